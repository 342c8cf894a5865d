import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadAudio } from '../../daemon/audio/loadAudio.ts';
import { packageRoot } from '../../daemon/paths.ts';
import golden from '../golden/flac.json' with { type: 'json' };

const CORPUS = join(packageRoot, '..', 'shared', 'corpus');

describe('real FLAC files', () => {
  it(`decode to the samples of libsndfile ${golden.libsndfile}`, async (context) => {
    if (!existsSync(CORPUS)) {
      return context.skip(`no corpus at ${CORPUS}`);
    }
    for (const [name, { rate, samples: length, sha256 }] of Object.entries(golden.files)) {
      const { samples } = await loadAudio(join(CORPUS, name), { sampleRate: rate });
      assert.equal(samples.length, length, name);
      const integers = Int16Array.from(samples, (sample) => sample * 32_768);
      const digest = createHash('sha256').update(new Uint8Array(integers.buffer)).digest('hex');
      assert.equal(digest, sha256, name);
    }
  });
});
