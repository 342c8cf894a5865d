import { writeSync } from 'node:fs';
import { messageOf } from '../../shared/errors.ts';
import type { Device } from '../../shared/verdict.ts';
import { seededRandom } from '../random.ts';
import { initialState, referenceArchitecture } from './audioCnn.ts';
import { DEVICE_WORKS } from './engines.ts';
import { OnnxRuntimeEngine } from './onnxRuntimeEngine.ts';

/** The reference's spectrogram. */
const shape = { architecture: referenceArchitecture, bands: 64, frames: 251 };
const COUNT = 2;
/** How far a device's logits may lie from the CPU's. */
const TOLERANCE = 1e-4;

/** Prints whether the device named on the command line scores as the CPU does, or why not. A process of its own: see `tryDevice`. */
async function probe(device: Device): Promise<string> {
  const random = seededRandom(1);
  const state = initialState(shape.architecture, random);
  const features = Float32Array.from({ length: COUNT * shape.bands * shape.frames }, (_, i) => Math.sin(i));
  const score = async (on: Device) => {
    const inference = await new OnnxRuntimeEngine({ device: on }).createInference(shape, state);
    const { logits } = await inference.score(features, COUNT);
    await inference.dispose();
    return logits;
  };
  try {
    const expected = await score('cpu');
    const logits = await score(device);
    const error = Math.max(...logits.map((logit, i) => Math.abs(logit - expected[i])));
    return error <= TOLERANCE ? DEVICE_WORKS : `its scores are wrong by ${error}`;
  } catch (error) {
    return reasonOf(error);
  }
}

/** ONNX Runtime puts the place in its source first and the reason last. */
function reasonOf(error: unknown): string {
  const reason = messageOf(error);
  const last = reason.lastIndexOf(' was false. ');
  return (last < 0 ? reason : reason.slice(last + ' was false. '.length)).replace(/[.\s]+$/, '');
}

writeSync(1, await probe(process.argv[2] as Device));
