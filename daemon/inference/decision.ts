import { CLASS_NAMES, type Decision, type Label } from '../../shared/verdict.ts';
import type { ModelConfig } from '../model/modelConfig.ts';

/** Below this many seconds a clip says too little to be judged. */
export const SHORTEST_JUDGED_SECONDS = 0.5;

/** What is known about the input besides its score. */
export interface InputFacts {
  /** Seconds of sound. */
  duration: number;
  silent: boolean;
}

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
  const reasons: string[] = [];
  if (input.silent) reasons.push('The file is silent.');
  if (input.duration < SHORTEST_JUDGED_SECONDS) {
    reasons.push(
      `The sound is only ${input.duration.toFixed(2)} s long; at least ${SHORTEST_JUDGED_SECONDS} s are needed.`,
    );
  }
  const band = config.inconclusive;
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
