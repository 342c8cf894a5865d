import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { distFile, packageRoot } from '../../daemon/paths.ts';

const binaries = join(packageRoot, 'node_modules/onnxruntime-node/bin');

/** The native libraries of onnxruntime-node for this platform. */
async function nativeLibraries(): Promise<string[]> {
  const files = await readdir(binaries, { recursive: true });
  const here = join(process.platform, process.arch);
  return files
    .filter(
      (file) => dirname(file).endsWith(here) && /onnxruntime.*\.(so|dylib|dll|node)(\.\d+)*$/.test(file),
    )
    .map((file) => join(binaries, file));
}

/** What the WebAssembly build consists of. */
const webFolder = distFile('onnxruntime-web');

const skip = existsSync(binaries) ? false : `${binaries} is not there`;

describe('ONNX Runtime', () => {
  it('is a version that knows no telemetry collector; later ones report usage', { skip }, async () => {
    const libraries = await nativeLibraries();
    assert.ok(
      libraries.some((file) => /libonnxruntime|onnxruntime\.dll/.test(file)),
      `${libraries}`,
    );
    const webFiles = (await readdir(webFolder)).map((file) => join(webFolder, file));
    assert.equal(webFiles.length, 3);
    for (const library of [...libraries, ...webFiles]) {
      const bytes = await readFile(library);
      for (const name of ['OneCollector', 'events.data.microsoft.com']) {
        assert.equal(bytes.includes(name), false, `${library} contains ${name}`);
        assert.equal(bytes.includes(Buffer.from(name, 'utf16le')), false, `${library} contains ${name}`);
      }
    }
  });
});
