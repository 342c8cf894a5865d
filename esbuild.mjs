// Bundles every process of the product, and the tests, into dist/.
//   node esbuild.mjs            product
//   node esbuild.mjs --tests    product and tests
//   node esbuild.mjs --tools    product and development tools (benchmarks, laboratory)
// Files of earlier builds are left alone, because a daemon or a training run may still be loading them.
import { copyFileSync, mkdirSync } from 'node:fs';
import * as esbuild from 'esbuild';
import { globSync } from 'tinyglobby';

const withTests = process.argv.includes('--tests');
const withTools = process.argv.includes('--tools');

/** Native or optional packages stay outside the bundles and are loaded from node_modules. */
const external = [
  'onnxruntime-node',
  'lmdb',
  '@tensorflow/tfjs',
  '@tensorflow/tfjs-node',
  'playwright-core',
  'vscode',
];

/** CommonJS dependencies inside an ES module bundle still call require. */
const requireBanner =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

const common = {
  bundle: true,
  sourcemap: true,
  sourcesContent: false,
  target: 'node20',
  logLevel: 'warning',
  loader: { '.wasm': 'binary', '.ttf': 'binary' },
};
const nodeModule = { ...common, platform: 'node', format: 'esm', external, banner: { js: requireBanner } };

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
      cli: 'daemon/cli.ts',
      daemon: 'daemon/main.ts',
      analysisWorker: 'daemon/features/analysisWorker.ts',
      trainingWorker: 'daemon/training/trainingWorker.ts',
      augmentationWorker: 'daemon/training/augmentationWorker.ts',
      deviceProbe: 'daemon/model/deviceProbe.ts',
    },
    outdir: 'dist',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
  }),
  esbuild.build({
    ...common,
    platform: 'node',
    format: 'cjs',
    external,
    entryPoints: ['extension/extension.ts'],
    outfile: 'dist/extension.cjs',
    plugins: [languageClientApart],
  }),
  esbuild.build({
    ...common,
    platform: 'node',
    format: 'cjs',
    external,
    stdin: { contents: "export * from 'vscode-languageclient/node';", resolveDir: '.' },
    outfile: 'dist/languageClient.cjs',
  }),
  esbuild.build({
    ...common,
    platform: 'browser',
    format: 'iife',
    target: 'chrome120',
    minify: true,
    entryPoints: globSync('media/*/main.ts'),
    outbase: 'media',
    outdir: 'dist/media',
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
  );
}
if (withTools) {
  builds.push(
    esbuild.build({
      ...nodeModule,
      entryPoints: {
        bench: 'scripts/bench/bench.ts',
        docs: 'scripts/docs/docs.ts',
        lab: 'scripts/lab/lab.ts',
        training: 'scripts/bench/training.ts',
      },
      outdir: 'dist/tools',
    }),
  );
}
await Promise.all(builds);

// The WebAssembly build of ONNX Runtime finds its other files by their names, and starts its threads from one of them.
mkdirSync('dist/onnxruntime-web', { recursive: true });
for (const file of ['ort.node.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'])
  copyFileSync(`node_modules/onnxruntime-web/dist/${file}`, `dist/onnxruntime-web/${file}`);
