import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { type Options, parse } from 'csv-parse';
import { messageOf } from '../../shared/errors.ts';
import { isAudioName } from './audioTree.ts';
import { type ClassIndex, firstLabel } from './labels.ts';

const METADATA_EXTENSIONS = ['.csv', '.tsv', '.txt', '.protocol'];
const FOLDERS_ABOVE = 3;
/** Files above the data set are often unrelated: what is larger, or comes after so much, is not read. */
const MAX_FILE_BYTES = 64 * 2 ** 20;
const MAX_TOTAL_BYTES = 256 * 2 ** 20;
const MAX_RECORD_CHARACTERS = 2 ** 20;
const SNIFFED_BYTES = 2 ** 16;

/** What the metadata files say about one clip. */
export interface MetadataLabel {
  label: ClassIndex;
  file: string;
  /** The file whose equally fitting row says the opposite. */
  contradictedBy?: string;
}

export interface MetadataLabels {
  /** By index of the clip; undefined where no row names it. */
  labels: (MetadataLabel | undefined)[];
  /** Sentences about files that were not read and rows that can be read two ways. */
  warnings: string[];
}

/** A row's answer; of several rows for a clip the highest `fit` wins, then the lowest `distance`. */
interface Match extends MetadataLabel {
  /** Twice the number of trailing path parts that agree, less one where only the stem of the name does. */
  fit: number;
  /** How many folders above the root the file lies. */
  distance: number;
}

/**
 * Labels from the metadata files in `root` and up to three folders above it. A row belongs to the clip whose name
 * or stem it contains (of equally named clips, to the one whose folders agree best with the row's path); its last
 * label-like cell is the label. `clips` are absolute paths.
 */
export async function readMetadataLabels(root: string, clips: readonly string[]): Promise<MetadataLabels> {
  const matcher = new RowMatcher(clips);
  const warnings: string[] = [];
  let bytesLeft = MAX_TOTAL_BYTES;
  let folder = root;
  for (let distance = 0; distance <= FOLDERS_ABOVE; distance++) {
    for (const file of await metadataFiles(folder)) {
      try {
        const { size } = await stat(file);
        if (size > Math.min(MAX_FILE_BYTES, bytesLeft)) {
          warnings.push(
            `${file} was not read for labels: it is too large (${Math.ceil(size / 2 ** 20)} MB).`,
          );
          continue;
        }
        bytesLeft -= size;
        const unclearRows = await readRows(file, distance, matcher);
        if (unclearRows > 0) {
          warnings.push(`${file} has ${unclearRows} row(s) that name both classes; the last cell was taken.`);
        }
      } catch (error) {
        warnings.push(`${file} was not read to its end for labels: ${messageOf(error).replace(/\.$/, '')}.`);
      }
    }
    const parent = dirname(folder);
    if (parent === folder) {
      break;
    }
    folder = parent;
  }
  return { labels: matcher.best, warnings };
}

async function metadataFiles(folder: string): Promise<string[]> {
  // A folder above the data set may be closed to us; then it has nothing to say.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const files: string[] = [];
  for (const { name } of entries) {
    if (!name.startsWith('.') && METADATA_EXTENSIONS.includes(extname(name).toLowerCase())) {
      const path = join(folder, name);
      if ((await stat(path).catch(() => undefined))?.isFile()) {
        files.push(path);
      }
    }
  }
  return files.sort();
}

/** Feeds a file's rows to the matcher and returns how many rows that named a clip had contradictory cells. */
async function readRows(file: string, distance: number, matcher: RowMatcher): Promise<number> {
  const layout = sniffLayout(file, await readHead(file));
  if (layout === undefined) {
    return 0;
  }
  const parser = parse({
    ...layout.options,
    bom: true,
    trim: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD_CHARACTERS,
  });
  const source = createReadStream(file);
  source.on('error', (error) => parser.destroy(error));
  let unclearRows = 0;
  try {
    for await (const cells of source.pipe(parser) as AsyncIterable<string[]>) {
      unclearRows += matcher.add(cells, layout.stemsCount, file, distance) ? 1 : 0;
    }
  } finally {
    source.destroy();
  }
  return unclearRows;
}

async function readHead(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

interface Layout {
  options: Options;
  /** Whether a cell without an audio extension may name a clip. */
  stemsCount: boolean;
}

/** How a metadata file separates its cells, from its first line; undefined for binary content. */
function sniffLayout(file: string, head: Buffer): Layout | undefined {
  const isUtf16 = head[0] === 0xff && head[1] === 0xfe;
  const text = head.toString(isUtf16 ? 'utf16le' : 'utf8');
  if (text.includes('\0')) {
    return undefined;
  }
  const lines = text.split(/[\r\n]+/);
  if (head.length === SNIFFED_BYTES && lines.length > 1) {
    lines.pop();
  }
  const rows = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  const firstRow = rows[0] ?? '';
  const extension = extname(file).toLowerCase();
  const separators = extension === '.tsv' ? ['\t'] : ['\t', ',', ';', '|'];
  const count = (separator: string): number => firstRow.split(separator).length - 1;
  const separator = separators.reduce((most, next) => (count(next) > count(most) ? next : most));
  if (count(separator) > 0 || extension === '.csv' || extension === '.tsv') {
    const chosen = count(separator) > 0 ? separator : extension === '.tsv' ? '\t' : ',';
    // Quotes are syntax in comma-separated files and plain text in most others.
    const quote = chosen === ',' || chosen === ';' ? '"' : false;
    return { options: { delimiter: chosen, quote }, stemsCount: true };
  }
  // Separated by blanks: a table has as many cells in every row; in prose any word could be a clip's name.
  const widths = new Set(rows.map((row) => row.split(/\s+/).length));
  return {
    options: { delimiter: [' ', '\t'], quote: false },
    stemsCount: rows.length > 1 && widths.size === 1,
  };
}

/** Finds the clips that rows speak of and keeps the best-fitting label of each. */
class RowMatcher {
  readonly best: (Match | undefined)[];
  private readonly paths: string[][];
  private readonly byName = new Map<string, number[]>();
  private readonly byStem = new Map<string, number[]>();

  constructor(clips: readonly string[]) {
    this.best = new Array(clips.length).fill(undefined);
    this.paths = clips.map(pathParts);
    for (const [index, parts] of this.paths.entries()) {
      const name = parts[parts.length - 1];
      append(this.byName, name, index);
      append(this.byStem, stemOf(name), index);
    }
  }

  /** Whether the row names a clip and its cells name both classes. */
  add(cells: readonly string[], stemsCount: boolean, file: string, distance: number): boolean {
    const texts = cells.map((cell) => cell.replace(/^(["'])(.*)\1$/, '$2').trim());
    const named = this.namedClips(texts, stemsCount);
    if (named === undefined) {
      return false;
    }
    const found = firstLabel(texts.filter((_, index) => index !== named.cell).reverse());
    if (found === undefined) {
      return false;
    }
    for (const { clip, fit } of named.clips) {
      this.keepBetter(clip, { label: found.label, file, fit, distance });
    }
    return found.contradicted;
  }

  /** The cell that names clips, and those that fit it best. The first cell with an audio extension is the row's name. */
  private namedClips(texts: readonly string[], stemsCount: boolean) {
    const audioCell = texts.findIndex(isAudioName);
    const candidates = audioCell >= 0 ? [audioCell] : stemsCount ? [...texts.keys()] : [];
    for (const cell of candidates) {
      const parts = pathParts(texts[cell]);
      const name = parts[parts.length - 1] ?? '';
      const exact = this.byName.get(name);
      const indexes = exact ?? this.byStem.get(audioCell >= 0 ? stemOf(name) : name);
      if (indexes !== undefined) {
        const fits = indexes.map((clip) => ({
          clip,
          fit: 2 * (1 + agreeingFolders(this.paths[clip], parts)) - (exact === undefined ? 1 : 0),
        }));
        const highest = Math.max(...fits.map(({ fit }) => fit));
        return { cell, clips: fits.filter(({ fit }) => fit === highest) };
      }
    }
    return undefined;
  }

  private keepBetter(clip: number, match: Match): void {
    const current = this.best[clip];
    const order = current === undefined ? 1 : match.fit - current.fit || current.distance - match.distance;
    if (order > 0) {
      this.best[clip] = match;
    } else if (order === 0 && current!.label !== match.label) {
      current!.contradictedBy ??= match.file;
    }
  }
}

function append(map: Map<string, number[]>, key: string, index: number): void {
  const indexes = map.get(key);
  if (indexes === undefined) {
    map.set(key, [index]);
  } else {
    indexes.push(index);
  }
}

/** Names are compared in one Unicode form: macOS stores accents apart from their letters. */
const pathParts = (path: string): string[] =>
  path
    .normalize('NFC')
    .split(/[\\/]+/)
    .filter((part) => part !== '' && part !== '.');

const stemOf = (name: string): string => name.slice(0, name.length - extname(name).length);

/** How many folder names agree, counted upwards from the file. */
function agreeingFolders(a: readonly string[], b: readonly string[]): number {
  let agreeing = 0;
  while (
    agreeing + 2 <= Math.min(a.length, b.length) &&
    a[a.length - 2 - agreeing] === b[b.length - 2 - agreeing]
  ) {
    agreeing++;
  }
  return agreeing;
}
