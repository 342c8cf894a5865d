// Started by storeCheck.ts: reads everything in a store, and ends with DAMAGED_EXIT_CODE, or by a signal, where that is not possible.
import { open } from 'lmdb';
import { DAMAGED_EXIT_CODE } from './storeCheck.ts';
import { openDatabases } from './storeDatabases.ts';

/** Entries between two signs of life. */
const TELL_EVERY = 10_000;

const path = process.argv[2];
try {
  const { root, files, paths, results } = openDatabases(path, { open });
  for (const database of [files, paths, results]) {
    const { entryCount } = database.getStats() as { entryCount: number };
    let count = 0;
    for (const { value } of database.getRange()) {
      // A page that leads back to an earlier one would never end.
      if (++count > entryCount) throw new RangeError('there are more entries than it says');
      if (database === results) JSON.parse(value);
      else if (database === files && !/ [0-9a-f]{64}$/.test(value))
        throw new RangeError('an entry is no file');
      if (count % TELL_EVERY === 0) process.stdout.write('.');
    }
    if (count < entryCount) throw new RangeError('there are fewer entries than it says');
  }
  // The pages that are free are looked at when something is written.
  const key = Buffer.from('probe');
  files.transactionSync(() => {
    files.putSync(key, '');
    files.removeSync(key);
  });
  await root.close();
} catch {
  process.exit(DAMAGED_EXIT_CODE);
}
