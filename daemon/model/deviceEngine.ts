import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import type { Device, EngineFacts } from '../../shared/verdict.ts';
import { distFile, packageRoot } from '../paths.ts';
import { pooledChannels, type StateDict, type TrainingState } from './audioCnn.ts';
import type { Engine, InferenceEngine, NetworkShape, TrainingEngine } from './engine.ts';
import { OnnxRuntimeEngine } from './onnxRuntimeEngine.ts';

export type Accelerator = Exclude<Device, 'cpu'>;

/** How far an accelerator's results may lie from the CPU's, as a share of the largest. */
const TOLERANCE = 1e-4;
/** Examples that both compute to be compared. */
const COUNT = 2;
/** Milliseconds for a graphics driver to show what it can; the first time it compiles every kernel. */
const PROBE_LIMIT_MS = 60_000;

/** Fetches what the npm package is too small for; a package for VS Code does not have it. */
const INSTALLER = join(packageRoot, 'node_modules/onnxruntime-node/script/install.js');
const CUDA_LIBRARIES = existsSync(INSTALLER)
  ? `which "node ${INSTALLER} --onnxruntime-node-install=cuda12" fetches: install what is missing`
  : "which the extension's package does not hold: use the command line of a clone";
const REMEDY: Record<Accelerator, string> = {
  webgpu:
    'It needs a graphics processor with a driver for Direct3D 12 (Windows), Metal (macOS) or Vulkan (Linux): install or update the driver',
  cuda: `It needs Linux on x64, an NVIDIA driver, CUDA 12, cuDNN 9 and ONNX Runtime's CUDA libraries, ${CUDA_LIBRARIES}`,
};

/**
 * ONNX Runtime on a graphics processor. Every network is first run there and on the CPU, because the kernels of these devices
 * are young: results that differ, or operators that are missing, are a DeviceUnavailable error and never a wrong verdict.
 */
export class DeviceEngine implements Engine {
  readonly facts: EngineFacts;

  constructor(
    private readonly device: Accelerator,
    private readonly accelerated: Engine = new OnnxRuntimeEngine({ device }),
    private readonly cpu: Engine = new OnnxRuntimeEngine(),
  ) {
    this.facts = { name: 'onnxruntime', device };
  }

  async createInference(shape: NetworkShape, state: StateDict): Promise<InferenceEngine> {
    const features = testFeatures(shape);
    const score = async (inference: InferenceEngine) => {
      const { logits, evidence } = await inference.score(features, COUNT);
      return [logits.slice(), evidence.slice()];
    };
    const reference = await this.cpu.createInference(shape, state);
    const expected = await score(reference);
    await reference.dispose();
    const inference = await this.accelerated.createInference(shape, state).catch((error) => {
      throw unusable(this.device, reasonOf(error));
    });
    try {
      const actual = await score(inference);
      this.compare('scores this model wrongly', actual, expected);
    } catch (error) {
      await inference.dispose();
      throw error instanceof DeepfakeError
        ? error
        : this.refusal('cannot score with this model', reasonOf(error));
    }
    return inference;
  }

  async createTraining(shape: NetworkShape, initial: TrainingState): Promise<TrainingEngine> {
    const batch = {
      features: testFeatures(shape),
      labels: Float32Array.from({ length: COUNT }, (_, i) => i % 2),
      dropoutMask: new Float32Array(COUNT * pooledChannels(shape.architecture)).fill(1),
    };
    const settings = { learningRate: 1e-3, weightDecay: 0, positiveWeight: 1 };
    const step = async (engine: Engine) => {
      const training = await engine.createTraining(shape, structuredClone(initial));
      try {
        const loss = await training.step(batch, settings);
        const { moment1, statistics } = training.state();
        return [Float32Array.of(loss), moment1, statistics];
      } finally {
        await training.dispose();
      }
    };
    const expected = await step(this.cpu);
    const actual = await step(this.accelerated).catch((error) => {
      throw this.refusal('cannot train', reasonOf(error));
    });
    this.compare('takes wrong training steps', actual, expected);
    return this.accelerated.createTraining(shape, initial);
  }

  private compare(fault: string, actual: Float32Array[], expected: Float32Array[]): void {
    const errors = expected.map((values, i) => {
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
      return values.reduce((most, value, k) => Math.max(most, Math.abs(actual[i][k] - value)), 0) / largest;
    });
    const worst = Math.max(...errors);
    if (!(worst <= TOLERANCE)) throw this.refusal(fault, `by up to ${(100 * worst).toPrecision(2)} %`);
  }

  private refusal(fault: string, reason: string): DeepfakeError {
    const message = `The device ${this.device} ${fault} (${reason}): choose the device cpu.`;
    return new DeepfakeError(ErrorCode.DeviceUnavailable, message);
  }
}

const unusable = (device: Accelerator, reason: string): DeepfakeError =>
  new DeepfakeError(
    ErrorCode.DeviceUnavailable,
    `The device ${device} cannot be used here (${reason}). ${REMEDY[device]}, or choose the device cpu.`,
  );

/** Two spectrograms that are neither constant nor alike. */
const testFeatures = ({ bands, frames }: NetworkShape): Float32Array =>
  Float32Array.from({ length: COUNT * bands * frames }, (_, i) => 2 * Math.sin(0.37 * i + i ** 2 / 1e5));

/** ONNX Runtime says first where in its source it was, and last what is the matter. */
function reasonOf(error: unknown): string {
  let reason = messageOf(error);
  for (const mark of ['Status Message: ', ' was false. ']) reason = reason.slice(endOfLast(reason, mark));
  return reason.replace(/[.\s]+$/, '');
}

function endOfLast(text: string, mark: string): number {
  const start = text.lastIndexOf(mark);
  return start < 0 ? 0 : start + mark.length;
}

/** What `deviceProbe.ts` prints; anything else is the reason why the device cannot be used. */
export const DEVICE_WORKS = 'works';

/**
 * Lets another process use the device first, because a driver that fails may take its process with it. Throws
 * DeviceUnavailable.
 */
export async function tryDevice(device: Accelerator, use: 'scoring' | 'training'): Promise<void> {
  const file = distFile('deviceProbe.js');
  const options = { timeout: PROBE_LIMIT_MS, windowsHide: true };
  await new Promise<void>((resolve, reject) => {
    execFile(process.execPath, [file, device, use], options, (error, stdout) => {
      // What it said counts, not how it ended: after a failure some drivers crash on the way out.
      if (stdout === DEVICE_WORKS) resolve();
      else if (stdout !== '') reject(new DeepfakeError(ErrorCode.DeviceUnavailable, stdout));
      else if (error?.killed)
        reject(unusable(device, `it gave no answer in ${PROBE_LIMIT_MS / 1000} seconds`));
      else
        reject(
          unusable(device, `its driver ended the process with ${error?.signal ?? `code ${error?.code}`}`),
        );
    });
  });
}
