import type { ScannedFile } from '../shared/protocol.ts';
import type { AudioFacts, Verdict } from '../shared/verdict.ts';

export const testModel = { name: 'Test model', checkpoint: '/models/a.safetensors', sha256: 'ab'.repeat(32) };

/** A four-second WAV. */
export const audioFacts: AudioFacts = {
  container: 'wav',
  codec: 'pcm',
  sampleRate: 16_000,
  channels: 1,
  duration: 4,
  bytes: 128_044,
  decoder: 'wav-decoder',
  warnings: [],
};

/** A verdict that nobody computed: of a probability, with changes. */
export function verdictOf(file: string, probability: number, changes: Partial<Verdict> = {}): Verdict {
  const label = probability >= 0.5 ? 'Deepfake' : 'Genuine';
  return {
    label,
    confidence: Math.max(probability, 1 - probability),
    deepfakeProbability: probability,
    threshold: 0.5,
    decision: label,
    reasons: [],
    file,
    windows: [{ start: 0, end: 4, deepfakeProbability: probability, logit: 1 }],
    audio: audioFacts,
    model: testModel,
    engine: { name: 'onnxruntime', device: 'cpu' },
    ...changes,
  };
}

/** The same as a scan's answer. */
export const scannedFile = (
  file: string,
  probability: number,
  changes: Partial<Verdict> = {},
): ScannedFile => ({ file, cached: false, verdict: verdictOf(file, probability, changes) });
