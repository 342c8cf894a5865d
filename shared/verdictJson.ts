import type { Verdict } from './verdict.ts';

/** A verdict in the command line's spelling: the reference's four keys first, then ours. */
export function verdictJson(verdict: Verdict) {
  const { audio, model, engine } = verdict;
  return {
    label: verdict.label,
    confidence: verdict.confidence,
    deepfake_probability: verdict.deepfakeProbability,
    threshold: verdict.threshold,
    decision: verdict.decision,
    reasons: verdict.reasons,
    file: verdict.file,
    windows: verdict.windows.map(({ start, end, logit, deepfakeProbability }) => ({
      start,
      end,
      logit,
      deepfake_probability: deepfakeProbability,
    })),
    audio: {
      container: audio.container,
      codec: audio.codec,
      sample_rate: audio.sampleRate,
      channels: audio.channels,
      ...(audio.bitsPerSample === undefined ? {} : { bits_per_sample: audio.bitsPerSample }),
      duration: audio.duration,
      bytes: audio.bytes,
      decoder: audio.decoder,
      warnings: audio.warnings,
    },
    model,
    engine,
  };
}
