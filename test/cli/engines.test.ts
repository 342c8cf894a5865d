import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';
import { ModelRequest } from '../../shared/protocol.ts';
import { temporaryFolder, writeDataset, writeTestSound, writeUntrainedModel } from '../helpers.ts';
import { HostUnavailable, provisionHost } from '../host/provision.mjs';
import { DaemonProcess } from '../server/daemonProcess.ts';
import { fail, runCli, succeed } from './runCli.ts';

/** How far the scores of two engines may lie apart. */
const TOLERANCE = 1e-4;
const WITHOUT_NATIVE_RUNTIME = {
  NODE_OPTIONS: `--require "${join(packageRoot, 'test/cli/withoutNativeRuntime.cjs')}"`,
};
const WARNING =
  /^warning: ONNX Runtime's native library does not load on this \S+ \S+ \(no such library here\); its WebAssembly build answers instead[^\n]+\n$/;

const folder = temporaryFolder();
let checkpoint = '';
let model: string[] = [];
let sound = '';
before(async () => {
  ({ checkpoint } = await writeUntrainedModel(join(folder, 'model')));
  model = ['--model', checkpoint];
  sound = await writeTestSound(join(folder, 'noise.wav'), 'noise', 6, 2);
});

const logitsOf = ({ windows }: { windows: { logit: number }[] }) => windows.map(({ logit }) => logit);
function assertSameScores(actual: string, expected: string): void {
  const [a, b] = [actual, expected].map((text) => logitsOf(JSON.parse(text)));
  assert.equal(a.length, b.length);
  a.forEach((logit, i) => {
    assert.ok(Math.abs(logit - b[i]) <= TOLERANCE, `${logit}, not ${b[i]}`);
  });
}

describe("where ONNX Runtime's native library does not load", { concurrency: 2 }, () => {
  it('files are judged by its WebAssembly build, offline, with the same scores', async () => {
    const expected = await succeed(['predict', sound, ...model]);
    const { code, stdout, stderr } = await runCli(['predict', sound, ...model], WITHOUT_NATIVE_RUNTIME);
    assert.equal(code, 0, stderr);
    assert.match(stderr, WARNING);
    assert.deepEqual(JSON.parse(stdout).engine, { name: 'onnxruntime-web', device: 'cpu' });
    assertSameScores(stdout, expected);
  });

  it('models are trained', async () => {
    await writeDataset(join(folder, 'data'), 8);
    const outputs = ['--model-dir', join(folder, 'trained'), '--reports-dir', join(folder, 'reports')];
    const args = ['train', '--data-root', join(folder, 'data'), '--recipe', 'reference', '--epochs', '1'];
    const { code, stdout, stderr } = await runCli([...args, ...outputs], WITHOUT_NATIVE_RUNTIME);
    assert.equal(code, 0, stderr);
    assert.match(stderr, WARNING);
    assert.match(stdout, /^Engine: onnxruntime-web on cpu\.$/m);
    const config = JSON.parse(await readFile(join(folder, 'trained', 'model_config.json'), 'utf8'));
    assert.deepEqual(config.training.engine, { name: 'onnxruntime-web', device: 'cpu' });
  });

  it('the daemon answers, says so in its log, and tells its engine', async () => {
    const daemon = await DaemonProcess.start({ checkpoint }, true, WITHOUT_NATIVE_RUNTIME);
    const { engine } = await daemon.connection.sendRequest(ModelRequest.type);
    assert.deepEqual(engine, { name: 'onnxruntime-web', device: 'cpu' });
    assert.match(daemon.log.join('\n'), /its WebAssembly build answers instead/);
    assert.equal(await daemon.stop(), 0);
  });

  it('the native engine is refused by name, and so are devices that only it can use', async () => {
    for (const [args, message] of [
      [
        ['--engine', 'onnxruntime'],
        /^error: ONNX Runtime's native library.*; choose the engine onnxruntime-web\.$/m,
      ],
      [['--device', 'cuda'], /^error: The device cuda cannot be used: .*; choose the device cpu\.$/m],
    ] as const) {
      const { code, stderr } = await runCli(['predict', sound, ...model, ...args], WITHOUT_NATIVE_RUNTIME);
      assert.equal(code, 1);
      assert.match(stderr, message);
    }
  });
});

describe('--engine', () => {
  it('onnxruntime-web gives the scores of the native build', async () => {
    const expected = await succeed(['predict', sound, ...model]);
    assert.deepEqual(JSON.parse(expected).engine, { name: 'onnxruntime', device: 'cpu' });
    assertSameScores(await succeed(['predict', sound, ...model, '--engine', 'onnxruntime-web']), expected);
  });

  it('tfjs gives the same scores where its package is installed, and else names the command that installs it', async () => {
    const args = ['predict', sound, ...model, '--engine', 'tfjs'];
    if (isInstalled('@tensorflow/tfjs-node')) {
      const { stdout } = await runCli(args);
      assert.deepEqual(JSON.parse(stdout).engine, { name: 'tfjs', device: 'cpu' });
      assertSameScores(stdout, await succeed(['predict', sound, ...model]));
    } else {
      await fail(
        args,
        '@tensorflow/tfjs-node',
        /not installed; run "npm install .*@tensorflow\/tfjs-node@[\d.]+" in \S/,
      );
    }
  });
});

describe('--device', () => {
  for (const device of ['webgpu', 'cuda']) {
    it(`${device} gives the scores of the CPU, or says what is missing`, async () => {
      const { code, stdout, stderr } = await runCli(['predict', sound, ...model, '--device', device]);
      if (code === 0) {
        assert.deepEqual(JSON.parse(stdout).engine, { name: 'onnxruntime', device });
        assertSameScores(stdout, await succeed(['predict', sound, ...model]));
      } else {
        const message = `^error: The device ${device} cannot be used here \\(.+\\)\\. It needs .+, or choose the device cpu\\.\n$`;
        assert.match(stderr, new RegExp(message));
        assert.equal(code, 1);
        assert.equal(stdout, '');
      }
    });
  }

  it('webgpu gives the scores of the CPU on a graphics driver in software', async (context) => {
    const driver = await softwareVulkan();
    if ('skip' in driver) return context.skip(driver.skip);
    const { code, stdout, stderr } = await runCli(['predict', sound, ...model, '--device', 'webgpu'], driver);
    if (/Failed to get a WebGPU adapter/.test(stderr)) return context.skip('Vulkan does not start here');
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout).engine, { name: 'onnxruntime', device: 'webgpu' });
    assertSameScores(stdout, await succeed(['predict', sound, ...model]));
  });

  it('does not go with --cpu or with an engine that has no devices', async () => {
    const both = await runCli(['predict', sound, '--cpu', '--device', 'webgpu']);
    assert.match(both.stderr, /'--cpu' cannot be used with option '--device <name>'/);
    await fail(['predict', sound, '--engine', 'onnxruntime-web', '--device', 'cuda'], 'cuda', /CPU only/);
  });
});

/** The environment in which Vulkan is the software that comes with the tests' browser. */
async function softwareVulkan(): Promise<NodeJS.ProcessEnv | { skip: string }> {
  try {
    const { chromium } = await provisionHost(packageRoot);
    const library = join(chromium, 'libvk_swiftshader.so');
    if (!existsSync(library)) return { skip: `${library} is not there` };
    const manifest = { file_format_version: '1.0.0', ICD: { library_path: library, api_version: '1.0.5' } };
    const file = join(folder, 'vulkan.json');
    await writeFile(file, JSON.stringify(manifest));
    return { VK_DRIVER_FILES: file, LD_LIBRARY_PATH: chromium };
  } catch (error) {
    if (error instanceof HostUnavailable) return { skip: error.message };
    throw error;
  }
}

function isInstalled(name: string): boolean {
  try {
    createRequire(join(packageRoot, 'package.json')).resolve(name);
    return true;
  } catch {
    return false;
  }
}
