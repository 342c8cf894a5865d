import type { Database, open, RootDatabase } from 'lmdb';

/** What lies in a store; keys are hashes. */
export interface StoreDatabases {
  root: RootDatabase;
  /** Hash of a path → state of its file, a space, its content hash. */
  files: Database<string, Buffer>;
  /** Hash of a path → the path. */
  paths: Database<string, Buffer>;
  /** Content hash and profile → result as JSON. */
  results: Database<string, Buffer>;
}

/** Opens a store's file with LMDB, and creates it where needed. Throws LMDB's errors. */
export function openDatabases(path: string, lmdb: { open: typeof open }): StoreDatabases {
  // Batches of a whole turn would leave a rejected promise behind that nobody can handle when the disk is full.
  const root = lmdb.open({ path, noSubdir: true, maxDbs: 4, eventTurnBatching: false });
  const database = (name: string) =>
    root.openDB<string, Buffer>({ name, encoding: 'string', keyEncoding: 'binary' });
  return { root, files: database('files'), paths: database('paths'), results: database('results') };
}
