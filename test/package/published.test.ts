import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';
import { temporaryFolder } from '../helpers.ts';

const folder = temporaryFolder();
const npm = { cwd: packageRoot, encoding: 'utf8', shell: process.platform === 'win32' } as const;

/** All that npm may publish. */
const ALLOWED = [
  /^(package|package\.nls)\.json$/,
  /^(LICENSE|README\.md)$/,
  /^models\/(README\.md|deepfake_cnn\.safetensors|model_config\.json|model_card\.json)$/,
  /^media\/icons\/[\w-]+\.(svg|png)$/,
  /^media\/samples\/(README\.md|(genuine|synthetic)-[\w-]+\.(wav|mp3|flac|ogg|m4a))$/,
  /^media\/walkthrough\/[\w-]+\.svg$/,
  /^dist\/\w+\.(js|cjs)$/,
  /^dist\/chunks\/[\w-]+-[A-Z0-9]{8}\.js$/,
  /^dist\/media\/\w+\/main\.(js|css)$/,
  /^dist\/onnxruntime-web\/ort[\w.-]+\.(mjs|wasm)$/,
];

describe('what npm publishes', () => {
  it('is on the list: no test, tool, source or note', () => {
    const printed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], npm);
    const [{ files }] = JSON.parse(printed) as [{ files: { path: string }[] }];
    const others = files
      .map(({ path }) => path)
      .filter((path) => !ALLOWED.some((allowed) => allowed.test(path)));
    assert.deepEqual(others, []);
    for (const path of ['dist/cli.js', 'dist/daemon.js', 'models/deepfake_cnn.safetensors'])
      assert.ok(
        files.some((file) => file.path === path),
        `${path} is missing`,
      );
  });
});

describe('npm run sbom', () => {
  it('lists every package that is installed with the product, under licences that somebody has looked at', () => {
    const file = join(folder, 'sbom.json');
    const script = join(packageRoot, 'scripts', 'sbom.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--out', file], npm);
    assert.equal(status, 0, stderr);
    const { bomFormat, components } = JSON.parse(readFileSync(file, 'utf8'));
    assert.equal(bomFormat, 'CycloneDX');
    const { dependencies } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
    const names = new Set(components.map(({ name }: { name: string }) => name));
    for (const name of Object.keys(dependencies)) assert.ok(names.has(name), `${name} is missing`);
    assert.match(stdout, /^MIT: /m);
  });
});
