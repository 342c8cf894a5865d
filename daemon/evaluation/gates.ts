import type { MetricsFile } from '../../shared/protocol.ts';
import { percent } from './figureText.ts';

/** What a model has to reach, as shares in [0, 1]: the equal error rate at most, the others at least. */
const GATES = { accuracy: 0.8, eer: 0.12, f1: 0.8, perClassAccuracy: 0.75 } as const;

export interface Gate {
  name: string;
  measured: number;
  required: number;
  passed: boolean;
}

const NAMES: Record<string, string> = { accuracy: 'Accuracy', eer: 'Equal error rate', f1: 'F1 of Deepfake' };

/** A gate for people, e.g. 'Accuracy', '83.1 %', 'at least 80.0 %'. */
export function gateText({ name, measured, required }: Gate) {
  const limit = name === 'eer' ? 'at most' : 'at least';
  return {
    name: NAMES[name] ?? name,
    measured: percent(measured),
    required: `${limit} ${percent(required)}`,
  };
}

/** Every quality gate with what was measured. */
export function checkGates(metrics: MetricsFile): Gate[] {
  const atLeast = (name: string, measured: number, required: number): Gate => ({
    name,
    measured,
    required,
    passed: measured >= required,
  });
  const { Genuine, Deepfake } = metrics.per_class_accuracy;
  return [
    atLeast('accuracy', metrics.accuracy, GATES.accuracy),
    { name: 'eer', measured: metrics.eer, required: GATES.eer, passed: metrics.eer <= GATES.eer },
    atLeast('f1', metrics.f1, GATES.f1),
    atLeast('Genuine accuracy', Genuine, GATES.perClassAccuracy),
    atLeast('Deepfake accuracy', Deepfake, GATES.perClassAccuracy),
  ];
}
