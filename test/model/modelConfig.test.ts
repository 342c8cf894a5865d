import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { referenceFeatures } from '../../daemon/features/featureConfig.ts';
import { formatModelConfig, parseModelConfig } from '../../daemon/model/modelConfig.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { isDeepfakeError, modelConfig } from '../helpers.ts';

const PATH = '/models/model_config.json';
/** The reference's whole file. */
const reference = {
  audio: {
    sample_rate: 16000,
    duration: 4.0,
    n_mels: 64,
    n_fft: 1024,
    hop_length: 256,
    fmin: 20,
    fmax: 7600,
  },
  class_names: ['Genuine', 'Deepfake'],
  threshold: 0.5,
};

describe('a model configuration', () => {
  it('with only the fields of the reference behaves as the reference', () => {
    const config = parseModelConfig(JSON.stringify(reference), PATH);
    assert.deepEqual(config.features, referenceFeatures);
    assert.deepEqual(config.architecture, { channels: [16, 32, 64], dropout: 0.25 });
    assert.deepEqual(config.windows, { use: 'first', overlap: 0 });
    assert.deepEqual(config.calibration, { scale: 1, offset: 0 });
    assert.equal(config.inconclusive, null);
    assert.equal(config.threshold, 0.5);
  });

  it('comes back as it was written', () => {
    const config = modelConfig({
      threshold: 0.4,
      calibration: { scale: 0.5, offset: 0.25 },
      inconclusive: { low: 0.3, high: 0.7 },
      windows: { use: 'all', overlap: 0.25 },
      featureStatistics: { mean: new Array(64).fill(-1), deviation: new Array(64).fill(0.5), limit: 2 },
      training: { seed: 42, data: 'develop' },
      checkpointSha256: 'a'.repeat(64),
    });
    assert.deepEqual(parseModelConfig(formatModelConfig(config), PATH), config);
  });

  it('of joined networks comes back as it was written', () => {
    const config = modelConfig({
      architecture: { channels: [16, 32, 64], dropout: 0.25, members: 2 },
      featureStatistics: { mean: new Array(128).fill(-1), deviation: new Array(128).fill(0.5), limit: 2 },
    });
    assert.deepEqual(parseModelConfig(formatModelConfig(config), PATH), config);
  });

  it('with statistics of another number of channels is refused', () => {
    const statistics = { mean: [0], deviation: [1], limit: 2 };
    const text = formatModelConfig(modelConfig({ featureStatistics: statistics }));
    assert.throws(
      () => parseModelConfig(text, PATH),
      isDeepfakeError(ErrorCode.ConfigInvalid, PATH, /feature_statistics: the network has 64 channels/),
    );
  });

  it("begins with the reference's fields in its spelling", () => {
    const json = JSON.parse(formatModelConfig(modelConfig()));
    assert.deepEqual(Object.keys(json).slice(0, 3), Object.keys(reference));
    assert.deepEqual(Object.keys(json.audio).slice(0, 7), Object.keys(reference.audio));
    assert.deepEqual({ ...json.audio, ...reference.audio }, json.audio);
  });

  const mistakes: [string, unknown, RegExp][] = [
    ['is not JSON', '{ "audio": ', /it is not JSON/],
    ['is a list', [], /the file: /],
    ['has no audio section', { ...reference, audio: undefined }, /audio: /],
    [
      'lacks the hop length',
      { ...reference, audio: { ...reference.audio, hop_length: undefined } },
      /audio\.hop_length: /,
    ],
    [
      'has a hop length of nothing',
      { ...reference, audio: { ...reference.audio, hop_length: 0 } },
      /audio\.hop_length: /,
    ],
    [
      'has a sample rate in words',
      { ...reference, audio: { ...reference.audio, sample_rate: '16k' } },
      /audio\.sample_rate: /,
    ],
    [
      'has an odd number of bands',
      { ...reference, audio: { ...reference.audio, n_mels: 63 } },
      /audio\.n_mels: /,
    ],
    [
      'has a transform of 1000 samples',
      { ...reference, audio: { ...reference.audio, n_fft: 1000 } },
      /audio\.n_fft: must be a power of two/,
    ],
    [
      'has windows of an hour',
      { ...reference, audio: { ...reference.audio, duration: 3600 } },
      /audio\.duration: /,
    ],
    [
      'has its band edges the wrong way round',
      { ...reference, audio: { ...reference.audio, fmin: 7700 } },
      /audio: fmin must be below fmax/,
    ],
    [
      'reaches above half the sample rate',
      { ...reference, audio: { ...reference.audio, fmax: 9000 } },
      /at most half the sample rate/,
    ],
    [
      'has more blocks than its bands can be halved',
      {
        ...reference,
        audio: { ...reference.audio, n_mels: 4 },
        architecture: { channels: [2, 2, 2, 2], dropout: 0 },
      },
      /4 blocks are too many for 4 bands/,
    ],
    [
      'has an unknown scale',
      { ...reference, audio: { ...reference.audio, scale: 'bark' } },
      /audio\.scale: /,
    ],
    [
      'has its classes the other way round',
      { ...reference, class_names: ['Deepfake', 'Genuine'] },
      /class_names\.0: /,
    ],
    ['has a threshold above one', { ...reference, threshold: 1.5 }, /threshold: /],
    ['has no threshold', { ...reference, threshold: undefined }, /threshold: /],
    [
      'has a single block',
      { ...reference, architecture: { channels: [16], dropout: 0.25 } },
      /architecture\.channels: /,
    ],
    [
      'drops everything out',
      { ...reference, architecture: { channels: [16, 32], dropout: 1 } },
      /architecture\.dropout: /,
    ],
    [
      'turns the calibration round',
      { ...reference, calibration: { scale: -1, offset: 0 } },
      /calibration\.scale: /,
    ],
    [
      'has a band with its ends exchanged',
      { ...reference, inconclusive: { low: 0.7, high: 0.3 } },
      /inconclusive: low must not exceed high/,
    ],
    [
      'has windows that never move on',
      { ...reference, windows: { use: 'all', overlap: 1 } },
      /windows\.overlap: /,
    ],
    ['has a hash that is none', { ...reference, checkpoint_sha256: 'abc' }, /checkpoint_sha256: /],
  ];
  for (const [what, json, message] of mistakes) {
    it(`is refused where it ${what}`, () => {
      const text = typeof json === 'string' ? json : JSON.stringify(json);
      assert.throws(
        () => parseModelConfig(text, PATH),
        isDeepfakeError(ErrorCode.ConfigInvalid, PATH, message),
      );
    });
  }
});
