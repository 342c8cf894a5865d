import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { before, describe, it } from 'node:test';
import { unzipSync } from 'fflate';
import { packageRoot } from '../../daemon/paths.ts';
import { ModelRequest, ScanRequest, type ScanResult } from '../../shared/protocol.ts';
import { subfolder, temporaryFolder } from '../helpers.ts';
import { DaemonProcess } from '../server/daemonProcess.ts';
import { buildPackages } from './buildPackages.ts';

const MEGABYTE = 1e6;
const LIMIT = 30 * MEGABYTE;
const SAMPLES = join(packageRoot, 'media', 'samples');
const SAMPLE_COUNT = 8;

/** All that a package may hold, without the folder `extension/`. */
const ALLOWED = [
  /^package\.json$/,
  /^package\.nls(\.[a-z-]+)?\.json$/,
  /^l10n\/bundle\.l10n\.[a-z-]+\.json$/,
  /^(readme|changelog)\.md$/,
  /^LICENSE\.txt$/,
  /^THIRD-PARTY-NOTICES\.txt$/,
  /^sbom\.cdx\.json$/,
  /^models\/(README\.md|deepfake_cnn\.safetensors|model_config\.json|model_card\.json)$/,
  /^media\/icons\/[\w-]+\.(svg|png)$/,
  /^media\/samples\/(README\.md|(genuine|synthetic)-[\w-]+\.(wav|mp3|flac|ogg|m4a))$/,
  /^media\/walkthrough\/[\w-]+\.svg$/,
  /^dist\/(extension|languageClient)\.cjs$/,
  /^dist\/(daemon|analysisWorker|trainingWorker|augmentationWorker|deviceProbe|inferenceThread|storeProbe)\.js$/,
  /^dist\/chunks\/[\w-]+-[A-Z0-9]{8}\.js$/,
  /^dist\/media\/\w+\/main\.(js|css)$/,
  /^dist\/onnxruntime-web\/(ort\.node\.min|ort-wasm-simd-threaded)\.(mjs|wasm)$/,
];
const LINUX_X64 = [
  'dist/bin/napi-v6/linux/x64/libonnxruntime.so.1',
  'dist/bin/napi-v6/linux/x64/onnxruntime_binding.node',
  'dist/prebuilds/linux-x64/node.napi.glibc.node',
];
const ALL_LMDB = [
  'dist/prebuilds/darwin-arm64/node.napi.node',
  'dist/prebuilds/darwin-x64/node.napi.node',
  'dist/prebuilds/linux-arm/node.napi.glibc.node',
  'dist/prebuilds/linux-arm64/node.napi.glibc.node',
  'dist/prebuilds/linux-arm64/node.napi.musl.node',
  'dist/prebuilds/linux-x64/node.napi.glibc.node',
  'dist/prebuilds/linux-x64/node.napi.musl.node',
  'dist/prebuilds/win32-arm64/node.napi.node',
  'dist/prebuilds/win32-x64/node.napi.node',
];

const folder = temporaryFolder();
const { skip, paths, table } = await buildPackages(['linux-x64', 'universal'], subfolder(folder, 'out'));

/** A package, unpacked. */
function open(target: string) {
  const entries = unzipSync(skip === false ? readFileSync(paths[target]) : emptyZip);
  const files = new Map<string, Buffer>();
  for (const [name, bytes] of Object.entries(entries))
    if (name.startsWith('extension/') && !name.endsWith('/'))
      files.set(name.slice('extension/'.length), Buffer.from(bytes));
  const unpacked = join(folder, target);
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(unpacked, name)), { recursive: true });
    writeFileSync(join(unpacked, name), bytes);
  }
  return { entries, files, unpacked };
}
/** The end record of a zip with nothing in it. */
const emptyZip = Buffer.concat([Buffer.from('PK\x05\x06', 'latin1'), Buffer.alloc(18)]);

for (const [target, native] of [
  ['linux-x64', LINUX_X64],
  ['universal', ALL_LMDB],
] as const) {
  describe(`the package ${target}`, { skip }, () => {
    const { entries, files } = open(target);

    it('holds what is on the list and nothing else', () => {
      const others = [...files.keys()].filter((name) => !ALLOWED.some((pattern) => pattern.test(name)));
      assert.deepEqual(others.sort(), native);
      const outside = Object.keys(entries).filter((name) => !name.startsWith('extension/'));
      assert.deepEqual(outside.sort(), ['[Content_Types].xml', 'extension.vsixmanifest']);
    });

    it('is smaller than 30 MB, as the printed table says', () => {
      const { size } = statSync(paths[target]);
      assert.ok(size < LIMIT, `${size} bytes`);
      assert.match(table, new RegExp(`-${target}\\.vsix \\| ${(size / MEGABYTE).toFixed(1)} \\|`));
    });

    it('names no folder of the machine that made it', () => {
      for (const [name, bytes] of files) {
        assert.equal(bytes.includes(packageRoot), false, `${name} contains ${packageRoot}`);
        // Native code names the home folders of those who built it.
        if (!native.some((file) => file === name))
          assert.equal(bytes.includes(`${homedir()}/`), false, `${name} contains ${homedir()}`);
      }
    });

    it('has everything that its package.json names, and depends on nothing', () => {
      const manifest = JSON.parse(files.get('package.json')!.toString());
      const named = JSON.stringify(manifest).match(/(?<=")(media|dist)\/[^"]+/g) ?? [];
      const wanted = [posix.normalize(manifest.main), manifest.icon, ...named];
      assert.deepEqual(
        wanted.filter((file) => !files.has(file)),
        [],
      );
      assert.equal(files.get(manifest.icon)!.readUInt32BE(16), 128, 'width of the icon');
      assert.equal(manifest.dependencies, undefined);
      assert.deepEqual(manifest.extensionKind, ['workspace']);
      assert.deepEqual(manifest.engines, { vscode: '^1.100.0' });
    });

    it('says to VS Code where it runs', () => {
      const manifest = Buffer.from(entries['extension.vsixmanifest']).toString();
      const platform = /TargetPlatform="([^"]+)"/.exec(manifest)?.[1];
      assert.equal(platform, target === 'universal' ? undefined : target);
    });
  });
}

describe('the licences in a package', { skip }, () => {
  let notices = '';
  let bundled: string[] = [];
  before(() => {
    notices = open('linux-x64').files.get('THIRD-PARTY-NOTICES.txt')!.toString();
    const bundle = subfolder(folder, 'bundle');
    execFileSync(process.execPath, ['esbuild.mjs', '--package', bundle], { cwd: packageRoot });
    bundled = JSON.parse(readFileSync(join(bundle, 'bundled.json'), 'utf8'));
  });

  it('are those of every package that was bundled, in its version', () => {
    const folders = new Set(
      bundled.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
    );
    assert.ok(folders.size > 30, `${folders.size} packages`);
    for (const place of folders) {
      const { name, version } = JSON.parse(readFileSync(join(packageRoot, place, 'package.json'), 'utf8'));
      assert.ok(notices.includes(`\n  ${name} ${version}: `), `${name} ${version} is not listed`);
      assert.ok(notices.includes(`\n${name}\n`), `there is no text for ${name}`);
    }
  });

  it('are in its bill of materials, too, in the form of CycloneDX', () => {
    const bill = JSON.parse(open('linux-x64').files.get('sbom.cdx.json')!.toString());
    assert.deepEqual([bill.bomFormat, bill.specVersion], ['CycloneDX', '1.5']);
    const listed = bill.components.map(({ name, version }: { name: string; version?: string }) =>
      version === undefined ? name : `${name} ${version}`,
    );
    assert.ok(listed.length > 30);
    for (const name of listed) assert.ok(notices.includes(`\n  ${name}: `), `${name} has no notice`);
  });

  it('are those of what is compiled in or copied, too', () => {
    const parts = ['onnxruntime-web', 'libsoxr', 'syom', 'LMDB', 'LZ4', 'libmpg123', 'libFLAC', 'libopus'];
    for (const name of parts) assert.match(notices, new RegExp(`^  ${name}\\b[^\\n]*: \\S+$`, 'm'));
    for (const sentence of [
      'GNU LESSER GENERAL PUBLIC LICENSE\n\t\t       Version 2.1',
      'GNU LESSER GENERAL PUBLIC LICENSE\n                       Version 3',
      'Mozilla Public License Version 2.0',
      'The OpenLDAP Public License',
      'Bitstream Vera Fonts Copyright',
    ])
      assert.ok(notices.includes(sentence), sentence);
  });
});

describe('the daemon of a package, far from the sources', { skip }, () => {
  /** Scans the sample clips with the results kept in the user's usual place, which is a folder of its own. */
  async function scanSamples(unpacked: string, home: string, times = 1) {
    const environment = { HOME: home, XDG_CACHE_HOME: join(home, '.cache'), LOCALAPPDATA: home };
    const daemon = await DaemonProcess.start({}, false, environment, join(unpacked, 'dist', 'daemon.js'));
    try {
      const { engine } = await daemon.connection.sendRequest(ModelRequest.type);
      const scans: ScanResult[] = [];
      for (let i = 0; i < times; i++)
        scans.push(await daemon.connection.sendRequest(ScanRequest.type, { paths: [SAMPLES] }));
      assert.equal(await daemon.stop(), 0);
      return { engine, scans, log: daemon.log.join('\n') };
    } finally {
      daemon.kill();
    }
  }
  const verdicts = ({ results }: ScanResult) =>
    results
      .map((result) => ('verdict' in result ? `${result.verdict.file} ${result.verdict.decision}` : result))
      .sort();
  const here = `${process.platform}-${process.arch}`;
  const onLinux = here === 'linux-x64' ? false : `the package linux-x64 does not run on ${here}`;

  it('scans, and keeps its results, with native code', { skip: onLinux }, async () => {
    const { unpacked } = open('linux-x64');
    const { engine, scans } = await scanSamples(unpacked, subfolder(folder, 'home'), 2);
    assert.deepEqual(engine, { name: 'onnxruntime', device: 'cpu' });
    assert.deepEqual(
      scans.map(({ summary }) => [summary.files, summary.failed, summary.analyzed, summary.unchanged]),
      [
        [SAMPLE_COUNT, 0, SAMPLE_COUNT, 0],
        [SAMPLE_COUNT, 0, 0, SAMPLE_COUNT],
      ],
    );
  });

  it('gives the same verdicts on WebAssembly, and without a store where LMDB does not load', async () => {
    const { unpacked } = open('universal');
    const first = await scanSamples(unpacked, subfolder(folder, 'home-universal'), 2);
    assert.deepEqual(first.engine, { name: 'onnxruntime-web', device: 'cpu' });
    assert.equal(first.scans[1].summary.unchanged, SAMPLE_COUNT);
    rmSync(join(unpacked, 'dist', 'prebuilds'), { recursive: true });
    const second = await scanSamples(unpacked, subfolder(folder, 'home-without-store'), 2);
    assert.match(
      second.log,
      /results of scans cannot be kept in \S+results\.mdb \(LMDB's native library does not load on this \w+ \w+\)/,
    );
    for (const { summary } of second.scans) assert.equal(summary.analyzed, SAMPLE_COUNT);
    assert.deepEqual(verdicts(second.scans[0]), verdicts(first.scans[0]));
  });
});
