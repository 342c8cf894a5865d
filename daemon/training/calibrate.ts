import { calibratedProbability, fitCalibration, inconclusiveBand } from '../evaluation/calibration.ts';
import type { ModelConfig } from '../model/modelConfig.ts';

/** Share of wrong answers that a given label may have on held-out clips; probabilities nearer the middle are Inconclusive. */
const TARGET_ERROR = 0.1;
/** Calibrated probability from which on a clip is labelled Deepfake: both classes alike likely. */
export const CALIBRATED_THRESHOLD = 0.5;

/** Calibration and Inconclusive band from held-out logits and labels (0 Genuine, 1 Deepfake). */
export function calibrate(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  targetError = TARGET_ERROR,
): Pick<ModelConfig, 'calibration' | 'inconclusive'> {
  const calibration = fitCalibration(logits, labels);
  const probabilities = Array.from(logits, (logit) => calibratedProbability(logit, calibration));
  const { low, high } = inconclusiveBand(probabilities, labels, CALIBRATED_THRESHOLD, targetError);
  return { calibration, inconclusive: { low, high } };
}
