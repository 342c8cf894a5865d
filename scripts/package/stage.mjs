import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { globSync } from 'tinyglobby';
import { root } from '../prepare.mjs';
import { softwareBillOfMaterials } from './billOfMaterials.mjs';
import { noticesText, thirdParties } from './licences.mjs';
import { nativeFiles } from './nativeFiles.mjs';

/** Taken as they are. */
const FILES = ['package.nls*.json', 'l10n/*.json', 'LICENSE', 'CHANGELOG.md', 'models/*'];
const MEDIA = ['media/icons/*', 'media/samples/*', 'media/walkthrough/*.svg'];
/** What package.json says to npm and to nobody else. */
const ONLY_FOR_NPM = [
  ...['bin', 'scripts', 'files', 'private', 'allowScripts', 'overrides'],
  ...['dependencies', 'devDependencies', 'peerDependencies', 'peerDependenciesMeta', 'optionalDependencies'],
];

/**
 * Fills `folder` with exactly what the package of a target holds.
 * @param bundle Folder that `esbuild.mjs --package` has written to.
 */
export async function stage(target, bundle, folder) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(join(bundle, 'dist'), join(folder, 'dist'), { recursive: true });
  for (const { from, to } of await nativeFiles(target)) await copy(from, join(folder, 'dist', to));
  for (const file of globSync([...FILES, ...MEDIA], { cwd: root }))
    await copy(join(root, file), join(folder, file));
  await copy(join(root, 'extension', 'README.md'), join(folder, 'README.md'));

  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  for (const key of ONLY_FOR_NPM) delete manifest[key];
  manifest.engines = { vscode: manifest.engines.vscode };
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);

  // Without it vsce warns that everything will be packed, which is meant.
  await writeFile(join(folder, '.vscodeignore'), '# Only what belongs into the package is here.\n');

  const bundled = JSON.parse(await readFile(join(bundle, 'bundled.json'), 'utf8'));
  const parties = thirdParties(bundled);
  await writeFile(join(folder, 'THIRD-PARTY-NOTICES.txt'), noticesText(parties));
  const bill = softwareBillOfMaterials(parties, manifest);
  await writeFile(join(folder, 'sbom.cdx.json'), `${JSON.stringify(bill, null, 2)}\n`);
}

async function copy(from, to) {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to);
}
