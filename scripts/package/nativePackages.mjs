// The packages with native code, onnxruntime-node and lmdb, bundled as JavaScript that finds its binaries below dist/, in the
// places and by the names that these packages use themselves.
import { readFile } from 'node:fs/promises';

/** Folders of native files, below dist/; the bundled code lies in dist/chunks/. */
export const ONNX_RUNTIME_FOLDER = 'bin/napi-v6';
export const LMDB_FOLDER = 'prebuilds';

/** What has to change in these packages, as text that must be there exactly once. */
const CHANGES = [
  {
    // esbuild would look for the binaries of every platform.
    file: /onnxruntime-node\/dist\/binding\.js$/,
    from: `require(\`../${ONNX_RUNTIME_FOLDER}/`,
    to: `(0, require)(\`../${ONNX_RUNTIME_FOLDER}/`,
  },
  { file: /node_modules\/lmdb\/native\.js$/, from: 'loadNAPI(dirName)', to: "loadNAPI(join(dirName, '..'))" },
];

/** An esbuild plugin. */
export const bundleNativePackages = {
  name: 'native-packages',
  setup(build) {
    // What `import()` gives of a CommonJS module is known to Node by name, in a bundle only as `default`.
    build.onResolve({ filter: /^onnxruntime-node$/ }, ({ kind, resolveDir }) =>
      kind === 'dynamic-import'
        ? { path: 'onnxruntime-node', namespace: 'named', pluginData: resolveDir }
        : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'named' }, ({ pluginData: resolveDir }) => ({
      contents: "export { InferenceSession, Tensor } from 'onnxruntime-node';",
      resolveDir,
    }));
    for (const { file, from, to } of CHANGES) {
      build.onLoad({ filter: file }, async ({ path }) => {
        const text = await readFile(path, 'utf8');
        if (text.split(from).length !== 2)
          throw new Error(`${path} has changed: "${from}" is expected in it once.`);
        return { contents: text.replace(from, () => to), loader: 'js' };
      });
    }
    build.onEnd(({ metafile }) => {
      for (const [output, { inputs }] of Object.entries(metafile.outputs))
        for (const input of Object.keys(inputs))
          if (CHANGES.some(({ file }) => file.test(input)) && !/\/dist\/chunks\/[^/]+$/.test(output))
            throw new Error(`${input} must be loaded when needed only, but became part of ${output}.`);
    });
  },
};
