import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decide } from '../../daemon/inference/decision.ts';
import { SHORTEST_JUDGED_SECONDS } from '../../daemon/inference/inputChecks.ts';
import { modelConfig } from '../helpers.ts';

const sound = { duration: 3, silent: false };
const plain = modelConfig();
const banded = modelConfig({ threshold: 0.5, inconclusive: { low: 0.3, high: 0.7 } });

describe('a decision', () => {
  it('is Deepfake from the threshold on', () => {
    assert.equal(decide(0.5, sound, plain).label, 'Deepfake');
    assert.equal(decide(0.5 - 1e-12, sound, plain).label, 'Genuine');
    assert.equal(decide(0.65, sound, modelConfig({ threshold: 0.7 })).label, 'Genuine');
    assert.equal(decide(0.7, sound, modelConfig({ threshold: 0.7 })).label, 'Deepfake');
  });

  it('has the probability of its label for a confidence', () => {
    assert.equal(decide(0.9, sound, plain).confidence, 0.9);
    assert.equal(decide(0.25, sound, plain).confidence, 0.75);
    assert.equal(decide(0.6, sound, modelConfig({ threshold: 0.7 })).confidence, 0.4);
  });

  it('equals the label where nothing speaks against it', () => {
    assert.deepEqual(decide(0.9, sound, banded), {
      label: 'Deepfake',
      confidence: 0.9,
      decision: 'Deepfake',
      reasons: [],
    });
    assert.deepEqual(decide(0.25, sound, banded), {
      label: 'Genuine',
      confidence: 0.75,
      decision: 'Genuine',
      reasons: [],
    });
  });

  it('is Inconclusive strictly inside the band, whatever the label', () => {
    for (const [probability, label] of [
      [0.31, 'Genuine'],
      [0.5, 'Deepfake'],
      [0.69, 'Deepfake'],
    ] as const) {
      const { decision, reasons, ...rest } = decide(probability, sound, banded);
      assert.equal(decision, 'Inconclusive');
      assert.equal(rest.label, label);
      assert.equal(reasons.length, 1);
    }
    assert.equal(decide(0.3, sound, banded).decision, 'Genuine');
    assert.equal(decide(0.7, sound, banded).decision, 'Deepfake');
  });

  it('is Inconclusive where Opus of a low bit rate looks synthetic, and only there', () => {
    const coded = (codec: string, bitsPerSecond: number) => ({ ...sound, coding: { codec, bitsPerSecond } });
    const { decision, reasons } = decide(0.9, coded('opus', 24_000), banded);
    assert.equal(decision, 'Inconclusive');
    assert.match(reasons.join(), /^Opus of 24 kbit\/s leaves traces/);
    assert.equal(decide(0.1, coded('opus', 24_000), banded).decision, 'Genuine');
    assert.equal(decide(0.9, coded('opus', 64_000), banded).decision, 'Deepfake');
    assert.equal(decide(0.9, coded('mp3', 24_000), banded).decision, 'Deepfake');
    assert.equal(decide(0.9, coded('opus', 24_000), plain).decision, 'Deepfake', 'as the reference');
  });

  it('is Inconclusive for silence', () => {
    const { decision, reasons } = decide(0.99, { duration: 3, silent: true }, plain);
    assert.equal(decision, 'Inconclusive');
    assert.deepEqual(reasons, ['The file is silent.']);
  });

  it('is Inconclusive for a clip that is too short, and says by how much', () => {
    const { decision, reasons } = decide(0.99, { duration: 0.25, silent: false }, plain);
    assert.equal(decision, 'Inconclusive');
    assert.match(reasons[0], /0\.25 s .* 0\.5 s/);
    assert.equal(
      decide(0.99, { duration: SHORTEST_JUDGED_SECONDS, silent: false }, plain).decision,
      'Deepfake',
    );
  });

  it('is Inconclusive for sound that is not speech, unless the model has no band and so answers as the reference does', () => {
    const tone = { depth: 0.02, syllableShare: 0.2, flux: 1, peakedness: 56, bandwidth: 7900, clipped: 0 };
    const { decision, reasons } = decide(0.99, { ...sound, measures: tone }, banded);
    assert.equal(decision, 'Inconclusive');
    assert.match(reasons.join(), /^This does not sound like speech: [^.]+\.$/);
    assert.equal(decide(0.99, { ...sound, measures: tone }, plain).decision, 'Deepfake');
  });

  it('gives every reason there is', () => {
    assert.equal(decide(0.5, { duration: 0.1, silent: true }, banded).reasons.length, 3);
  });
});
