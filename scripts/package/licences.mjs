// The licences of what a package is made of, from the files that were bundled.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { root } from '../prepare.mjs';

const TEXTS = 'scripts/package/licences';
const MIT = `${TEXTS}/MIT.txt`;
const ONNX_RUNTIME_NOTICES = `${TEXTS}/onnxruntime-1.27.0.txt`;
const MICROSOFT = { copyright: 'Copyright (c) Microsoft Corporation', texts: [MIT] };

/** Terms under which parts may be shipped as this project does. */
const ACCEPTED = new Set([
  ...['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', 'MPL-2.0'],
  ...['LGPL-2.1-or-later', 'LGPL-3.0-or-later', 'OLDAP-2.8', 'Bitstream-Vera'],
]);

/** Terms of packages that npm installs beside this one, and that no package for VS Code holds. */
const ONLY_INSTALLED = new Set(['0BSD', 'CC0-1.0']);

/** Whether a package may be installed with this one, by the licence that it states; one of several that it offers is enough. */
export function isAccepted(name, stated) {
  const licence = SUPPLEMENTS[name]?.licence ?? stated;
  const offered = licence.replace(/^\(|\)$/g, '').split(' OR ');
  return { licence, accepted: offered.some((one) => ACCEPTED.has(one) || ONLY_INSTALLED.has(one)) };
}

/** Packages whose own statement lacks something: the licence's name, or its text. */
const SUPPLEMENTS = {
  async: { licence: 'MIT' },
  'dejavu-fonts-ttf': { licence: 'Bitstream-Vera' },
  '@resvg/resvg-wasm': {
    copyright: 'Source: https://github.com/yisibl/resvg-js',
    texts: [`${TEXTS}/MPL-2.0.txt`],
  },
  '@vscode/l10n': MICROSOFT,
  'onnxruntime-common': MICROSOFT,
  'onnxruntime-node': { ...MICROSOFT, texts: [MIT, ONNX_RUNTIME_NOTICES] },
  'onnxruntime-web': { ...MICROSOFT, texts: [MIT, ONNX_RUNTIME_NOTICES] },
  'wav-decoder': { texts: [MIT] },
  'weak-lru-cache': { texts: [MIT] },
  '@wasm-audio-decoders/common': { texts: [MIT] },
  '@wasm-audio-decoders/flac': { texts: [MIT] },
  '@wasm-audio-decoders/ogg-vorbis': { texts: [MIT] },
  'mpg123-decoder': { texts: [MIT] },
  'codec-parser': { texts: ['node_modules/codec-parser/LICENSE', `${TEXTS}/GPL-3.0.txt`] },
};

const XIPH = `${TEXTS}/BSD-3-Clause-Xiph.txt`;
const LIBLMDB = 'node_modules/lmdb/dependencies/lmdb/libraries/liblmdb';

/** Code inside packages and files of this project that has licences of its own. */
const PARTS = [
  {
    name: 'libsoxr, changed only in its build',
    version: '0.1.3',
    licence: 'LGPL-2.1-or-later',
    copyright:
      "Copyright (c) 2007-2018 robs@users.sourceforge.net. Source and build recipe: daemon/audio/soxr in this project's sources.",
    texts: ['daemon/audio/soxr/COPYING.LGPL'],
    of: 'daemon/audio/soxr/soxr.wasm',
  },
  {
    name: 'pffft, in libsoxr',
    version: '2011',
    licence: 'BSD-3-Clause',
    texts: ['daemon/audio/soxr/LICENSE-pffft'],
    of: 'daemon/audio/soxr/soxr.wasm',
  },
  {
    name: 'syom',
    version: cratesVersion('daemon/audio/aac/Cargo.lock', 'syom'),
    licence: 'MIT',
    texts: ['daemon/audio/aac/LICENSE-syom'],
    of: 'daemon/audio/aac/aac.wasm',
  },
  {
    name: 'LMDB, in lmdb',
    licence: 'OLDAP-2.8',
    texts: [`${LIBLMDB}/COPYRIGHT`, `${LIBLMDB}/LICENSE`],
    of: 'lmdb',
  },
  {
    name: 'LZ4, in lmdb',
    licence: 'BSD-2-Clause',
    texts: ['node_modules/lmdb/dependencies/lz4/lib/LICENSE'],
    of: 'lmdb',
  },
  {
    name: 'libmpg123, in mpg123-decoder',
    licence: 'LGPL-2.1-or-later',
    copyright:
      'Copyright (c) the mpg123 project. Source: https://github.com/eshaz/wasm-audio-decoders, modules/mpg123',
    texts: ['daemon/audio/soxr/COPYING.LGPL'],
    of: 'mpg123-decoder',
  },
  {
    name: 'libFLAC, in @wasm-audio-decoders/flac',
    licence: 'BSD-3-Clause',
    copyright: 'Copyright (C) 2000-2009 Josh Coalson\nCopyright (C) 2011-2023 Xiph.Org Foundation',
    texts: [XIPH],
    of: '@wasm-audio-decoders/flac',
  },
  {
    name: 'libvorbis and libogg, in @wasm-audio-decoders/ogg-vorbis',
    licence: 'BSD-3-Clause',
    copyright: 'Copyright (c) 2002-2020 Xiph.org Foundation',
    texts: [XIPH],
    of: '@wasm-audio-decoders/ogg-vorbis',
  },
  {
    name: 'libopus, in @audio/decode-opus',
    licence: 'BSD-3-Clause',
    texts: ['node_modules/@audio/decode-opus/LICENSE.libopus'],
    of: '@audio/decode-opus',
  },
];

/** These are published with the code of their dependencies in their own files, or are such dependencies themselves. */
const CARRIES_DEPENDENCIES = /^(@audio\/decode-|@wasm-audio-decoders\/|mpg123-decoder$)/;

/**
 * Everything of other people in a package: name, version where it has its own, SPDX licence, copyright line where the texts
 * lack one, and paths of the texts.
 * @param {string[]} bundled Files that were bundled, relative to the project's root.
 * @throws Error for a licence that is not accepted, and where no text is found.
 */
export function thirdParties(bundled) {
  const folders = new Set(bundled.filter((file) => file.includes('node_modules/')).map(packageFolder));
  folders.add('node_modules/onnxruntime-web');
  for (const folder of folders) {
    if (!CARRIES_DEPENDENCIES.test(packageName(folder))) continue;
    for (const name of Object.keys(readPackage(folder).dependencies ?? {}))
      folders.add(dependencyFolder(folder, name));
  }
  const packages = [...folders].map(describe);
  const present = new Set([...packages.map(({ name }) => name), ...bundled]);
  const all = [...packages, ...PARTS.filter(({ of }) => present.has(of))];
  for (const { name, licence, texts } of all) {
    if (!ACCEPTED.has(licence)) throw new Error(`${name} is under ${licence}, which nobody has looked at.`);
    if (texts.length === 0) throw new Error(`The licence's text of ${name} is missing.`);
  }
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The file of notices: a list, then each text once, with those whom it is about. */
export function noticesText(parties) {
  const byText = new Map();
  for (const party of parties) {
    const text = party.texts.map((path) => readFileSync(join(root, path), 'utf8').trim()).join('\n\n');
    byText.set(text, [...(byText.get(text) ?? []), party]);
  }
  const list = parties
    .map(({ name, version, licence }) => `  ${name}${version ? ` ${version}` : ''}: ${licence}`)
    .join('\n');
  const sections = [...byText].map(([text, concerned]) => {
    const heads = concerned.map(({ name, copyright }) => `${name}${copyright ? `\n${copyright}` : ''}`);
    return `${'='.repeat(80)}\n${heads.join('\n')}\n${'-'.repeat(80)}\n${text}\n`;
  });
  return `Parts of this extension that others have made, and their licences\n\n${list}\n\n${sections.join('\n')}`;
}

/** `node_modules/a/node_modules/@b/c/d.js` → `node_modules/a/node_modules/@b/c`. */
function packageFolder(file) {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)/.exec(file)[1];
}

const packageName = (folder) => /node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(folder)[1];
const readPackage = (folder) => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));

/** Where Node finds a dependency: in the nearest node_modules. */
function dependencyFolder(folder, name) {
  for (let place = folder; place !== '.'; place = dirname(place)) {
    const candidate = posix.join(place, 'node_modules', name);
    if (existsSync(join(root, candidate))) return candidate;
  }
  return posix.join('node_modules', name);
}

function describe(folder) {
  const { name, version, license, author } = readPackage(folder);
  const supplement = SUPPLEMENTS[name] ?? {};
  const holder = typeof author === 'string' ? author : author?.name;
  const own = readdirSync(join(root, folder))
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file) && file !== 'LICENSE.libopus')
    .map((file) => posix.join(folder, file));
  return {
    name,
    version,
    licence: supplement.licence ?? license,
    copyright: supplement.copyright ?? (own.length === 0 && holder ? `Copyright (c) ${holder}` : undefined),
    texts: supplement.texts ?? own,
  };
}

function cratesVersion(lockFile, name) {
  return new RegExp(`name = "${name}"\\nversion = "([^"]+)"`).exec(
    readFileSync(join(root, lockFile), 'utf8'),
  )[1];
}
