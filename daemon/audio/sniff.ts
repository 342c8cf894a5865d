import type { AudioFile } from './audioFile.ts';
import { mpegFrame } from './mpegFrame.ts';

/** What the content is, whatever the file is called. */
export type Container =
  | 'wav'
  | 'aiff'
  | 'flac'
  | 'ogg'
  | 'mp3'
  | 'aac'
  | 'mp4'
  | 'matroska'
  | 'caf'
  | 'w64'
  | 'au'
  | 'amr'
  | 'asf'
  | 'ac3'
  | 'wavpack'
  | 'ape'
  | 'tta'
  | 'avi'
  | 'flv'
  | 'mpegts';

export interface Content {
  container: Container;
  /** Where it starts: behind ID3v2 tags and, in MPEG audio, behind what precedes the first frame. */
  offset: number;
}

const HEAD_BYTES = 4096;
/** How far behind the tags a first MPEG frame is looked for; players accept as much. */
const MPEG_SEARCH_BYTES = 65_536;
/** Tags in front of the sound; a hostile file may hold millions of empty ones. */
const MOST_TAGS = 64;
/** Chance alone rarely makes this many headers follow one another at the distances that they announce. */
const MPEG_FRAMES_IN_A_ROW = 4;

const MAGIC: readonly [text: string, container: Container][] = [
  ['fLaC', 'flac'],
  ['OggS', 'ogg'],
  ['caff', 'caf'],
  ['.snd', 'au'],
  ['#!AMR', 'amr'],
  ['wvpk', 'wavpack'],
  ['MAC ', 'ape'],
  ['TTA1', 'tta'],
  ['\x1a\x45\xdf\xa3', 'matroska'],
  ['\x30\x26\xb2\x75\x8e\x66\xcf\x11', 'asf'],
  ['\x0b\x77', 'ac3'],
  ['FLV\x01', 'flv'],
  ['riff\x2e\x91\xcf\x11', 'w64'],
];
/** MPEG-2 transport streams have no other mark than the first byte of each packet (ISO/IEC 13818-1). */
const TRANSPORT_PACKET_BYTES = 188;
const TRANSPORT_SYNC = 0x47;
const MP4_FIRST_BOXES = new Set(['ftyp', 'moov', 'mdat', 'wide', 'free', 'skip', 'pnot']);

/** Recognises the container by its first bytes. Undefined: no audio format that is known here. */
export async function identify(file: AudioFile): Promise<Content | undefined> {
  let offset = 0;
  let head = await file.read(0, HEAD_BYTES);
  // ID3v2: 'ID3', version, flags, size as four times seven bits. Tags may follow one another.
  for (let tags = 0; tags < MOST_TAGS && text(head, 0, 3) === 'ID3' && head.length >= 10; tags++) {
    const size = (head[6] << 21) | (head[7] << 14) | (head[8] << 7) | head[9];
    const footer = head[5] & 0x10 ? 10 : 0;
    offset += 10 + size + footer;
    head = await file.read(offset, HEAD_BYTES);
  }
  const container = byMagic(head);
  if (container !== undefined) {
    return { container, offset };
  }
  return findMpegFrames(await file.read(offset, MPEG_SEARCH_BYTES), offset, file.size);
}

function byMagic(head: Uint8Array): Container | undefined {
  const form = text(head, 8, 4);
  switch (text(head, 0, 4)) {
    case 'RIFF':
      if (form === 'AVI ') return 'avi';
      return form === 'WAVE' ? 'wav' : undefined;
    case 'RIFX':
    case 'RF64':
    case 'BW64':
      return form === 'WAVE' ? 'wav' : undefined;
    case 'FORM':
      return form === 'AIFF' || form === 'AIFC' ? 'aiff' : undefined;
  }
  if (MP4_FIRST_BOXES.has(text(head, 4, 4))) {
    return 'mp4';
  }
  if ([0, 1, 2, 3].every((packet) => head[packet * TRANSPORT_PACKET_BYTES] === TRANSPORT_SYNC)) {
    return 'mpegts';
  }
  return MAGIC.find(([magic]) => text(head, 0, magic.length) === magic)?.[1];
}

/** Layer I–III and ADTS frames announce their length: the next one has to begin there. */
function findMpegFrames(head: Uint8Array, offset: number, fileSize: number): Content | undefined {
  for (let start = 0; start + 4 <= head.length; start++) {
    if (head[start] !== 0xff || (head[start + 1] & 0xe0) !== 0xe0) {
      continue;
    }
    const first = mpegFrame(head, start);
    let at = start;
    let frames = 0;
    for (let frame = first; frame !== undefined && frame.kind === first?.kind; frame = mpegFrame(head, at)) {
      frames++;
      at += frame.bytes;
      // A very short file ends before, perhaps with an ID3v1 tag of 128 bytes.
      const ends = frames >= 2 && offset + at >= fileSize - 128 && offset + at <= fileSize;
      if (frames === MPEG_FRAMES_IN_A_ROW || ends) {
        return { container: first.kind === 'adts' ? 'aac' : 'mp3', offset: offset + start };
      }
    }
  }
  return undefined;
}

/** Bytes as Latin-1. */
export function text(bytes: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + length));
}
