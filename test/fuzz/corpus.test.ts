import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';
import { mutated } from '../../scripts/fuzz/mutate.ts';
import { readers, tryInput } from '../../scripts/fuzz/readers.ts';
import { seeds } from '../../scripts/fuzz/seeds.ts';
import { subfolder, temporaryFolder } from '../helpers.ts';

const CORPUS = join(packageRoot, 'test', 'fuzz', 'corpus');
/** Damaged on the spot: what `npm run fuzz` tries first, and few of them. */
const FRESH_INPUTS = 12;

const folder = temporaryFolder();

for (const name of readdirSync(CORPUS).sort()) {
  const reader = name.split('-', 1)[0];
  test(`${name}, which once found something, finds nothing any more`, async () => {
    assert.ok(reader in readers, `${name} does not begin with the name of a reader`);
    assert.equal(
      await tryInput(reader, readFileSync(join(CORPUS, name)), subfolder(folder, name)),
      undefined,
    );
  });
}

for (const reader of Object.keys(readers)) {
  test(`damaged input for the reader ${reader} is read or refused with a sentence`, async () => {
    const corpus = await seeds[reader]();
    for (let index = 0; index < FRESH_INPUTS; index++) {
      const input = mutated(corpus, 1, reader, index);
      assert.equal(await tryInput(reader, input, subfolder(folder, reader)), undefined, `input ${index}`);
    }
  });

  test(`undamaged input for the reader ${reader} is read, and its damage is the same each time`, async () => {
    const corpus = await seeds[reader]();
    await readers[reader](corpus[0], subfolder(folder, `${reader} whole`));
    assert.deepEqual(mutated(corpus, 1, reader, 7), mutated(corpus, 1, reader, 7));
  });
}
