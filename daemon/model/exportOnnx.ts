import { frameCount } from '../features/featureConfig.ts';
import { writeFileAtomically } from '../files.ts';
import type { Model } from './checkpoint.ts';
import { inferenceGraph } from './inferenceGraph.ts';

/** Writes a model's inference graph as an ONNX file: log spectrograms in, logits, evidence and pooled features out. Throws WriteFailed. */
export async function exportOnnx({ config, state }: Model, path: string): Promise<void> {
  const { nMels } = config.features;
  await writeFileAtomically(
    path,
    inferenceGraph(config.architecture, state, nMels, frameCount(config.features)),
  );
}
