import { CLASS_NAMES, type Decision, type Label } from '../../shared/verdict.ts';
import type { ModelConfig } from '../model/modelConfig.ts';
import { deepfakeReasons, type InputFacts, inputReasons } from './inputChecks.ts';

export interface Decided {
  label: Label;
  confidence: number;
  decision: Decision;
  reasons: string[];
}

/**
 * The reference's label (Deepfake from the threshold on) and its confidence, and our decision: Inconclusive inside the
 * calibrated band or where the input cannot be judged.
 */
export function decide(probability: number, input: InputFacts, config: ModelConfig): Decided {
  const deepfake = probability >= config.threshold;
  const label = CLASS_NAMES[deepfake ? 1 : 0];
  const band = config.inconclusive;
  const { duration, silent } = input;
  const reasons = inputReasons(band === null ? { duration, silent } : input, config.featureStatistics);
  if (band !== null && probability >= band.high) reasons.push(...deepfakeReasons(input));
  if (band !== null && probability > band.low && probability < band.high) {
    reasons.push('The model has seen both genuine and synthetic speech score like this.');
  }
  return {
    label,
    confidence: deepfake ? probability : 1 - probability,
    decision: reasons.length > 0 ? 'Inconclusive' : label,
    reasons,
  };
}
