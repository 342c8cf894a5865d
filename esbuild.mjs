// Bundles every process of the product, and the tests, into dist/.
//   node esbuild.mjs            product
//   node esbuild.mjs --tests    product and tests
//   node esbuild.mjs --tools    product and development tools (benchmarks, laboratory)
//   node esbuild.mjs --package FOLDER    what a package for VS Code holds: FOLDER/dist, and FOLDER/bundled.json, the files in it
// Files of earlier builds are left alone, because a daemon or a training run may still be loading them.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import * as esbuild from 'esbuild';
import { globSync } from 'tinyglobby';
import { bundleNativePackages } from './scripts/package/nativePackages.mjs';

const withTests = process.argv.includes('--tests');
const withTools = process.argv.includes('--tools');
const packageFolder = process.argv.includes('--package')
  ? process.argv[process.argv.indexOf('--package') + 1]
  : undefined;
const dist = packageFolder === undefined ? 'dist' : `${packageFolder}/dist`;

/** Native or optional packages stay outside the bundles and are loaded from node_modules, which a package does not have. */
const external = [
  ...(packageFolder === undefined ? ['onnxruntime-node', 'lmdb'] : ['msgpackr-extract']),
  '@tensorflow/tfjs',
  '@tensorflow/tfjs-node',
  // BullMQ asks for other databases' drivers only when it is told to use them.
  ...['pg', '@valkey/valkey-glide'],
  'playwright-core',
  'vscode',
];

/** CommonJS dependencies inside an ES module bundle still call require. */
const requireBanner =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

const common = {
  bundle: true,
  sourcemap: packageFolder === undefined,
  sourcesContent: false,
  minify: packageFolder !== undefined,
  // A package has all licences in one file.
  legalComments: packageFolder === undefined ? undefined : 'none',
  metafile: true,
  target: 'node20',
  logLevel: 'warning',
  loader: { '.wasm': 'binary', '.ttf': 'binary' },
};
const nodeModule = {
  ...common,
  platform: 'node',
  format: 'esm',
  external,
  banner: { js: requireBanner },
  plugins: packageFolder === undefined ? [] : [bundleNativePackages],
};

/** The extension loads the JSON-RPC library, which is most of its code, with the first request and not when VS Code starts. */
const languageClientApart = {
  name: 'language-client-apart',
  setup: (build) =>
    build.onResolve({ filter: /^vscode-language(client\/node|server-protocol)$/ }, () => ({
      path: './languageClient.cjs',
      external: true,
    })),
};

const builds = [
  esbuild.build({
    ...nodeModule,
    entryPoints: {
      ...(packageFolder === undefined ? { cli: 'daemon/cli.ts' } : {}),
      daemon: 'daemon/main.ts',
      analysisWorker: 'daemon/features/analysisWorker.ts',
      trainingWorker: 'daemon/training/trainingWorker.ts',
      augmentationWorker: 'daemon/training/augmentationWorker.ts',
      deviceProbe: 'daemon/model/deviceProbe.ts',
      inferenceThread: 'daemon/model/inferenceThread.ts',
      storeProbe: 'daemon/scan/storeProbe.ts',
    },
    outdir: dist,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
  }),
  esbuild.build({
    ...common,
    platform: 'node',
    format: 'cjs',
    external,
    entryPoints: ['extension/extension.ts'],
    outfile: `${dist}/extension.cjs`,
    plugins: [languageClientApart],
  }),
  esbuild.build({
    ...common,
    platform: 'node',
    format: 'cjs',
    external,
    stdin: { contents: "export * from 'vscode-languageclient/node';", resolveDir: '.' },
    outfile: `${dist}/languageClient.cjs`,
  }),
  esbuild.build({
    ...common,
    platform: 'browser',
    format: 'iife',
    target: 'chrome120',
    minify: true,
    entryPoints: globSync('media/*/main.ts'),
    outbase: 'media',
    outdir: `${dist}/media`,
  }),
  // With onnxruntime-common inside: a package has no node_modules where it would be found.
  esbuild.build({
    ...common,
    platform: 'node',
    format: 'esm',
    sourcemap: false,
    minify: true,
    entryPoints: ['node_modules/onnxruntime-web/dist/ort.node.min.mjs'],
    outdir: `${dist}/onnxruntime-web`,
    outExtension: { '.js': '.mjs' },
  }),
];
if (withTests) {
  builds.push(
    esbuild.build({
      ...nodeModule,
      external: external.filter((name) => name !== 'vscode'),
      alias: { vscode: './test/extension/vscode.ts' },
      entryPoints: globSync('test/**/*.test.ts'),
      outbase: 'test',
      outdir: 'dist/test',
      splitting: true,
      chunkNames: 'chunks/[name]-[hash]',
    }),
    // VS Code requires it.
    esbuild.build({
      ...common,
      platform: 'node',
      format: 'cjs',
      external,
      entryPoints: ['test/integration/suite.ts'],
      outfile: 'dist/test/integration/suite.cjs',
    }),
  );
}
if (withTools) {
  builds.push(
    esbuild.build({
      ...nodeModule,
      entryPoints: {
        bench: 'scripts/bench/bench.ts',
        docs: 'scripts/docs/docs.ts',
        engines: 'scripts/bench/engines.ts',
        fuzz: 'scripts/fuzz/fuzz.ts',
        fuzzWorker: 'scripts/fuzz/fuzzWorker.ts',
        lab: 'scripts/lab/lab.ts',
        load: 'scripts/load/load.ts',
        pictures: 'scripts/docs/pictures.ts',
        training: 'scripts/bench/training.ts',
      },
      outdir: 'dist/tools',
    }),
  );
}
const built = await Promise.all(builds);

// The WebAssembly build of ONNX Runtime finds its other files by their names, and starts its threads from one of them.
mkdirSync(`${dist}/onnxruntime-web`, { recursive: true });
for (const file of ['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'])
  copyFileSync(`node_modules/onnxruntime-web/dist/${file}`, `${dist}/onnxruntime-web/${file}`);

if (packageFolder !== undefined) {
  const outputs = built.flatMap(({ metafile }) => Object.values(metafile.outputs));
  const inputs = outputs.flatMap((output) =>
    Object.entries(output.inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([input]) => input),
  );
  writeFileSync(`${packageFolder}/bundled.json`, JSON.stringify([...new Set(inputs)].sort(), null, 1));
}
