import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { seededRandom } from '../../daemon/random.ts';

/** Values at which sizes, counts and rates go wrong. */
const INTERESTING = [
  0, 1, 2, 7, 8, 16, 100, 127, 128, 255, 256, 1000, 0x7fff, 0x8000, 0xffff, 0x10000, 0xffffff, 0x7fffffff,
  0x80000000, 0xfffffffe, 0xffffffff,
];
const WORDS = [
  'null',
  '-1',
  '1e308',
  '1e999',
  '""',
  '[]',
  '{}',
  'true',
  '"__proto__"',
  '0.1',
  '9007199254740993',
];
const MAX_BYTES = 1 << 18;

/** Input number `index` of a reader: one of its seeds with one to eight changes, the same for the same numbers. */
export function mutated(
  seeds: readonly Uint8Array[],
  seed: number,
  reader: string,
  index: number,
): Uint8Array {
  const random = seededRandom(seed, ...Buffer.from(reader), index);
  const pick = <T>(items: readonly T[]): T => items[uniformInt(random, 0, items.length - 1)];
  let bytes = Buffer.from(pick(seeds));
  // Few changes reach deep; many find what the first checks let through.
  for (let left = 1 << uniformInt(random, 0, 3); left > 0; left--) {
    bytes = Buffer.from(pick(CHANGES)(bytes, random, pick(seeds))).subarray(0, MAX_BYTES);
  }
  return bytes;
}

type Change = (bytes: Buffer, random: RandomGenerator, other: Uint8Array) => Uint8Array;

/** Headers decide more than sound does: half of all places lie in the first 256 bytes. */
function place(bytes: Uint8Array, random: RandomGenerator): number {
  const end = uniformInt(random, 0, 1) === 0 ? Math.min(256, bytes.length) : bytes.length;
  return uniformInt(random, 0, Math.max(0, end - 1));
}

const piece = (bytes: Uint8Array, random: RandomGenerator): [from: number, to: number] => {
  const from = place(bytes, random);
  const longest = uniformInt(random, 0, 2) === 0 ? bytes.length : 64;
  return [from, Math.min(bytes.length, from + uniformInt(random, 1, Math.max(1, longest)))];
};

const flipBits: Change = (bytes, random) => {
  for (let left = uniformInt(random, 1, 4); left > 0 && bytes.length > 0; left--)
    bytes[place(bytes, random)] ^= 1 << uniformInt(random, 0, 7);
  return bytes;
};

/** A size, a count or a rate that lies, in either byte order. */
const writeInteger: Change = (bytes, random) => {
  const width = [1, 2, 4, 8][uniformInt(random, 0, 3)];
  if (bytes.length < width) return bytes;
  const at = Math.min(place(bytes, random), bytes.length - width);
  const base = INTERESTING[uniformInt(random, 0, INTERESTING.length - 1)];
  const value = BigInt.asUintN(8 * width, uniformInt(random, 0, 9) === 0 ? -BigInt(base) : BigInt(base));
  for (let i = 0; i < width; i++) bytes[at + i] = Number((value >> BigInt(8 * i)) & 255n);
  if (uniformInt(random, 0, 1) === 0) bytes.subarray(at, at + width).reverse();
  return bytes;
};

/** Adds to a byte, which keeps a length field plausible. */
const nudge: Change = (bytes, random) => {
  if (bytes.length > 0) bytes[place(bytes, random)] += uniformInt(random, -16, 16);
  return bytes;
};

const remove: Change = (bytes, random) => {
  const [from, to] = piece(bytes, random);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
};

const duplicate: Change = (bytes, random) => {
  const [from, to] = piece(bytes, random);
  const copies = Array.from({ length: uniformInt(random, 1, 3) }, () => bytes.subarray(from, to));
  return Buffer.concat([bytes.subarray(0, to), ...copies, bytes.subarray(to)]);
};

const splice: Change = (bytes, random, other) => {
  const [from, to] = piece(other, random);
  const at = place(bytes, random);
  const replaced = uniformInt(random, 0, 1) === 0 ? to - from : 0;
  return Buffer.concat([bytes.subarray(0, at), other.subarray(from, to), bytes.subarray(at + replaced)]);
};

const overwrite: Change = (bytes, random) => {
  const [from, to] = piece(bytes, random);
  const noise = uniformInt(random, 0, 1) === 0;
  for (let at = from; at < to; at++) bytes[at] = noise ? uniformInt(random, 0, 255) : 0;
  return bytes;
};

const truncate: Change = (bytes, random) => bytes.subarray(0, place(bytes, random));

/** A value of JSON in the place of another; anywhere else it is noise. */
const replaceWord: Change = (bytes, random) => {
  const text = bytes.toString('latin1');
  const words = [
    ...text.slice(0, 65_536).matchAll(/"[^"]{0,80}"|-?\d[\d.eE+-]*|true|false|null|\{[^{}]*\}|\[[^[\]]*\]/g),
  ];
  if (words.length === 0) return bytes;
  const word = words[uniformInt(random, 0, words.length - 1)];
  const value = WORDS[uniformInt(random, 0, WORDS.length - 1)];
  return Buffer.from(text.slice(0, word.index) + value + text.slice(word.index + word[0].length), 'latin1');
};

const CHANGES: readonly Change[] = [
  flipBits,
  flipBits,
  writeInteger,
  writeInteger,
  nudge,
  remove,
  duplicate,
  splice,
  overwrite,
  truncate,
  replaceWord,
];
