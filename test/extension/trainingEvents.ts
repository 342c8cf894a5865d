import type { EpochReport, TrainingEvent, TrainResult } from '../../shared/protocol.ts';

export const request = {
  dataRoot: '/work/voices',
  modelDir: '/work/models/voices',
  reportsDir: '/work/reports/voices',
  recipe: 'default',
};

export const dataset = {
  type: 'dataset',
  genuine: 10,
  deepfake: 10,
  training: 16,
  validation: 4,
  testing: 0,
  epochs: 10,
  batchSize: 8,
  engine: { name: 'onnxruntime', device: 'cpu' },
  warnings: ['One clip is odd.'],
} as const satisfies TrainingEvent;

export const step = {
  type: 'step',
  epoch: 1,
  epochs: 10,
  step: 1,
  steps: 20,
} as const satisfies TrainingEvent;

export const epochReport: EpochReport = {
  epoch: 1,
  epochs: 10,
  loss: 0.75,
  valAccuracy: 0.5,
  valEer: 0.5,
  valF1: 0.4,
  examplesPerSecond: 100,
  best: true,
};

export const result: TrainResult = {
  checkpoint: '/work/models/voices/deepfake_cnn.safetensors',
  config: '/work/models/voices/model_config.json',
  metricsFile: '/work/reports/voices/metrics.json',
  confusionMatrixFile: '/work/reports/voices/confusion_matrix.png',
  reportFile: '/work/reports/voices/report.html',
  metrics: {
    accuracy: 0.875,
    eer: 0.125,
    f1: 0.8,
    per_class_accuracy: { Genuine: 1, Deepfake: 0.75 },
    confusion_matrix: [
      [2, 0],
      [1, 1],
    ],
    threshold: 0.5,
  },
  epochsRun: 10,
  bestEpoch: 7,
  cancelled: false,
};
