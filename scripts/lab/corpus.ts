import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { LabelledClip } from '../../daemon/training/examples.ts';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';

/** A clip of a corpus manifest. */
export interface CorpusClip extends LabelledClip {
  /** Where the recording that was spoken or resynthesised comes from. */
  source: string;
  speaker: string;
  system: string;
  /** Systems that share a vocoder: none of a family may be trained on when another is tested. */
  family: string;
  /** The recording itself; a copy-synthesis has its original's. */
  originalPath: string;
  /** Of a further manifest: trained on, never tested. */
  extra: boolean;
}

/** Vocoder families by system name, first match wins; a system that matches nothing is its own family. */
const FAMILIES: [RegExp, string][] = [
  [/^FoR/i, 'Fake-or-Real'],
  [/lyra/i, 'Lyra'],
  [/yourtts/i, 'YourTTS'],
  [/^(cvr|ek1|glowtts|lj_|ljspeech_|sam_|silero|vctk_)/, 'Coqui and Silero'],
  [/universal\s?melgan/i, 'Universal MelGAN'],
  [/melgan/i, 'MelGAN'],
  [/hifi-?gan/i, 'HiFi-GAN'],
  [/vits|piper/i, 'VITS'],
  [/waveglow/i, 'WaveGlow'],
  [/wavenet/i, 'WaveNet'],
  [/wavernn/i, 'WaveRNN'],
  [/griffin/i, 'Griffin-Lim'],
  [/vocos/i, 'Vocos'],
  [/codec2/i, 'codec2'],
  [/fargan|deep redundancy/i, 'FARGAN'],
  [/kokoro/i, 'Kokoro'],
  [/world/i, 'WORLD'],
  [/festival-hts|flite-cg|mlsa/i, 'MLSA'],
  [/festival-diphone/i, 'festival'],
];

export const familyOf = (system: string): string =>
  FAMILIES.find(([pattern]) => pattern.test(system))?.[1] ?? system;

/** `owner/corpus` without the commit, and without what was made of it. */
const sourceOf = (source: string): string => source.split(' -> ')[0].replace(/@[0-9a-f]+/, '');

/** Reads a manifest with the columns path, label, source, speaker, system, part and original_path. Throws MetadataInvalid. */
export async function readCorpus(manifest: string, part: string, extra: boolean): Promise<CorpusClip[]> {
  try {
    const rows: Record<string, string>[] = parse(await readFile(manifest), { columns: true, bom: true });
    return rows
      .filter((row) => row.part === part)
      .map((row) => ({
        path: join(dirname(manifest), row.path),
        label: row.label === 'deepfake' ? 1 : 0,
        source: sourceOf(row.source),
        speaker: row.speaker,
        system: row.system,
        family: row.label === 'deepfake' ? familyOf(row.system) : 'human',
        originalPath: row.original_path,
        extra,
      }));
  } catch (error) {
    const message = `${manifest} cannot be read as a corpus manifest: ${messageOf(error)}.`;
    throw new DeepfakeError(ErrorCode.ConfigInvalid, message, manifest, { cause: error });
  }
}
