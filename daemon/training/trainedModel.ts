import type { FeatureStatistics } from '../model/featureStatistics.ts';
import type { ModelConfig } from '../model/modelConfig.ts';
import { CALIBRATED_THRESHOLD } from './calibrate.ts';
import type { Recipe } from './recipe.ts';

/** What was learnt from clips that the network was not trained on. */
export interface HeldOutFacts extends Pick<ModelConfig, 'calibration' | 'inconclusive'> {
  featureStatistics?: FeatureStatistics;
}

/** The configuration of a network trained by a recipe; `facts` for people. */
export function trainedModelConfig(
  recipe: Recipe,
  heldOut: HeldOutFacts,
  facts: Record<string, unknown>,
): ModelConfig {
  const { name, features, architecture, windows, ...hyperparameters } = recipe;
  return {
    name: `AudioCNN (${name})`,
    features,
    architecture,
    threshold: CALIBRATED_THRESHOLD,
    ...heldOut,
    windows,
    training: { recipe: { name, ...hyperparameters }, ...facts },
  };
}
