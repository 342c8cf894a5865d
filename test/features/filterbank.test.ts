import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { referenceFeatures } from '../../daemon/features/featureConfig.ts';
import { createFilterbank } from '../../daemon/features/filterbank.ts';
import golden from '../golden/features.json' with { type: 'json' };
import { floatsFromBase64 } from '../golden/goldenRandom.ts';

const configs = {
  mel: referenceFeatures,
  linear: { ...referenceFeatures, fmin: 0, fmax: 8000, scale: 'linear' },
} as const;

describe('the filterbank', () => {
  for (const scale of ['mel', 'linear'] as const) {
    const source = scale === 'mel' ? `librosa ${golden.versions.librosa}` : `numpy ${golden.versions.numpy}`;
    it(`equals that of ${source} on the ${scale} scale`, () => {
      const { firstBin, weights } = createFilterbank(configs[scale]);
      assert.equal(weights.length, golden.filterbank[scale].length);
      golden.filterbank[scale].forEach((band, index) => {
        const expected = floatsFromBase64(band.weights);
        assert.equal(firstBin[index], band.first, `first bin of band ${index}`);
        assert.equal(weights[index].length, expected.length, `bins of band ${index}`);
        expected.forEach((weight, bin) => {
          assert.ok(
            Math.abs(weights[index][bin] - weight) <= 1e-7,
            `band ${index}: ${weights[index][bin]}, not ${weight}`,
          );
        });
      });
    });
  }

  it('has centre frequencies that rise between the lowest and the highest edge', () => {
    const { centres } = createFilterbank(referenceFeatures);
    const edges = [referenceFeatures.fmin, ...centres, referenceFeatures.fmax];
    assert.ok(edges.every((hertz, i) => i === 0 || hertz > edges[i - 1]));
  });
});
