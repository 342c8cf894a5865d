import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { finished } from 'node:stream/promises';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import type { ScannedFile, ScanSummary } from '../../shared/protocol.ts';
import { csv } from './formats/csv.ts';
import type { ReportContext, ReportWriter } from './formats/format.ts';
import { html } from './formats/html.ts';
import { json } from './formats/json.ts';
import { jsonLines } from './formats/jsonLines.ts';
import { sarif } from './formats/sarif.ts';
import { table } from './formats/table.ts';

export const FORMATS = { table, json, jsonl: jsonLines, csv, sarif, html } satisfies Record<
  string,
  (context: ReportContext) => ReportWriter
>;
export type FormatName = keyof typeof FORMATS;

const FORMAT_OF_EXTENSION: Record<string, FormatName> = {
  '.txt': 'table',
  '.json': 'json',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.csv': 'csv',
  '.sarif': 'sarif',
  '.html': 'html',
  '.htm': 'html',
};

/** The format that a file's extension stands for. Throws InvalidArguments. */
export function formatOf(path: string): FormatName {
  const format = FORMAT_OF_EXTENSION[extname(path).toLowerCase()];
  if (format !== undefined) return format;
  const known = Object.keys(FORMAT_OF_EXTENSION).join(', ');
  const message = `${path} does not say which format is wanted: end its name in one of ${known}.`;
  throw new DeepfakeError(ErrorCode.InvalidArguments, message, path);
}

/** A report that is written while the scan goes on. */
export interface Report {
  add(file: ScannedFile): Promise<void>;
  finish(summary: ScanSummary): Promise<void>;
  /** Leaves out the end, after a failure. */
  discard(): Promise<void>;
}

/** A report on a stream that stays open, such as standard output. */
export async function streamReport(writer: ReportWriter, stream: NodeJS.WritableStream): Promise<Report> {
  /** Settles for everybody who waits until the stream takes more, or never will. */
  let room: Promise<void> | undefined;
  const untilRoom = () =>
    new Promise<void>((resolve) => {
      const go = () => {
        stream.off('drain', go).off('close', go).off('error', go);
        room = undefined;
        resolve();
      };
      stream.on('drain', go).on('close', go).on('error', go);
    });
  const write = async (text: string) => {
    if (text === '' || stream.write(text)) return;
    room ??= untilRoom();
    await room;
  };
  await write(writer.begin());
  return {
    add: (file) => write(writer.row(file)),
    finish: (summary) => write(writer.end(summary)),
    discard: async () => {},
  };
}

/**
 * A report in a file, in the format of its extension. JSON Lines can be read while they grow; the others appear when they
 * are complete. Throws InvalidArguments and WriteFailed, at once where the folder cannot be written.
 */
export async function fileReport(path: string, context: ReportContext): Promise<Report> {
  const format = formatOf(path);
  const growing = format === 'jsonl';
  const written = growing ? path : `${path}.${process.pid}.tmp`;
  const explained = (cause: unknown) => {
    const message = `Could not write ${path}: ${messageOf(cause)}. Check the free space and the permissions of its folder.`;
    return new DeepfakeError(ErrorCode.WriteFailed, message, path, { cause });
  };
  let stream: WriteStream;
  let failure: unknown;
  try {
    await mkdir(dirname(path), { recursive: true });
    stream = createWriteStream(written);
    await new Promise<void>((resolve, reject) => stream.once('open', () => resolve()).once('error', reject));
  } catch (error) {
    throw explained(error);
  }
  stream.on('error', (error) => {
    failure = error;
  });
  const report = await streamReport(FORMATS[format](context), stream);
  const checked = () => {
    if (failure !== undefined) throw explained(failure);
  };
  return {
    add: async (file) => {
      await report.add(file);
      checked();
    },
    finish: async (summary) => {
      await report.finish(summary);
      checked();
      try {
        stream.end();
        await finished(stream);
        if (!growing) await rename(written, path);
      } catch (error) {
        throw explained(error);
      }
    },
    discard: async () => {
      stream.destroy();
      if (!growing) await rm(written, { force: true }).catch(() => {});
    },
  };
}
