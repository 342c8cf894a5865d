import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { test } from 'node:test';
import { globSync } from 'tinyglobby';
import { packageRoot } from '../daemon/paths.ts';

/** The way of a clip, as docs/architecture.md tells it: each floor imports from itself and from those before it. */
const FLOORS = [
  ['shared'],
  ['daemon/audio', 'daemon/dataset'],
  ['daemon/features'],
  ['daemon/model'],
  ['daemon/inference', 'daemon/training', 'daemon/evaluation'],
  ['daemon/detector.ts'],
  ['daemon/scan'],
  ['daemon/server', 'daemon/server.ts'],
  ['daemon/cli', 'daemon/cli.ts', 'daemon/main.ts'],
];
const IMPORT = /(?:from |import\()'(\.[^']+\.ts)'/g;

/** The floor of a file; small files beside the daemon's folders serve all of them. */
function floorOf(file: string): number {
  const floor = FLOORS.findIndex((places) =>
    places.some((place) => file === place || file.startsWith(`${place}/`)),
  );
  return Math.max(0, floor);
}

const sources = globSync(['shared/**/*.ts', 'daemon/**/*.ts', 'extension/**/*.ts', 'media/**/*.ts'], {
  cwd: packageRoot,
});
const imports = sources.flatMap((file) =>
  [...readFileSync(join(packageRoot, file), 'utf8').matchAll(IMPORT)].map(([, path]) => ({
    file,
    imported: posix.normalize(posix.join(dirname(file), path)),
  })),
);
const told = ({ file, imported }: { file: string; imported: string }) => `${file} imports ${imported}`;

test('imports of the daemon point one way, from the command line down to what is shared', () => {
  assert.ok(imports.length > 500);
  const wrong = imports.filter(({ file, imported }) => floorOf(imported) > floorOf(file));
  assert.deepEqual(wrong.map(told), []);
});

test('extension and webviews never import the daemon, nor the daemon them', () => {
  const side = (path: string) => path.split('/')[0];
  const interfaces = new Set(['extension', 'media']);
  const wrong = imports.filter(({ file, imported }) => {
    const allowed = interfaces.has(side(file)) ? ['extension', 'media', 'shared'] : ['daemon', 'shared'];
    return !allowed.includes(side(imported));
  });
  assert.deepEqual(wrong.map(told), []);
  const webviews = imports.filter(
    ({ file, imported }) => side(file) === 'media' && side(imported) === 'extension',
  );
  assert.deepEqual(webviews.map(told), []);
});

test('no file imports itself through others, not even for its types', () => {
  const importsOf = new Map<string, string[]>(sources.map((file) => [file, []]));
  for (const { file, imported } of imports) importsOf.get(file)?.push(imported);
  const done = new Set<string>();
  const circles: string[] = [];
  const follow = (file: string, way: string[]) => {
    if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(' → '));
    if (done.has(file)) return;
    done.add(file);
    for (const imported of importsOf.get(file) ?? []) follow(imported, [...way, file]);
  };
  for (const file of sources) follow(file, []);
  assert.deepEqual(circles, []);
});
