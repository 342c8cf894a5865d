import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import type { AudioFile } from './audioFile.ts';
import type { Decoding } from './decoding.ts';
import type { Content } from './sniff.ts';

export async function openWithFfmpeg(
  file: AudioFile,
  content: Content,
  _options: { ffmpegPath?: string; signal?: AbortSignal },
): Promise<Decoding> {
  throw new DeepfakeError(
    ErrorCode.DecoderMissing,
    `${file.path} (${content.container}) needs ffmpeg: install it, or convert the file to WAV or FLAC.`,
    file.path,
  );
}
