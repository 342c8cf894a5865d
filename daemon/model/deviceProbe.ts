// Tries a device: node deviceProbe.js DEVICE scoring|training. Prints DEVICE_WORKS, or in one sentence why it does not.
import { writeSync } from 'node:fs';
import { messageOf } from '../../shared/errors.ts';
import { frameCount, referenceFeatures } from '../features/featureConfig.ts';
import { seededRandom } from '../random.ts';
import { initialState, referenceArchitecture, trainingStart } from './audioCnn.ts';
import { type Accelerator, DEVICE_WORKS, DeviceEngine } from './deviceEngine.ts';

const [device, use] = process.argv.slice(2);
try {
  const architecture = referenceArchitecture;
  const shape = { architecture, bands: referenceFeatures.nMels, frames: frameCount(referenceFeatures) };
  const state = initialState(architecture, seededRandom(1));
  const engine = new DeviceEngine(device as Accelerator);
  await (await engine.createInference(shape, state)).dispose();
  if (use === 'training') {
    await (await engine.createTraining(shape, trainingStart(architecture, state))).dispose();
  }
  writeSync(1, DEVICE_WORKS);
} catch (error) {
  writeSync(1, messageOf(error));
}
