import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { mutated } from './mutate.ts';
import { tryInput } from './readers.ts';
import { seeds } from './seeds.ts';

/** Inputs of one reader from an index on, until the time is over. */
export interface Batch {
  reader: string;
  seed: number;
  from: number;
  milliseconds: number;
}
export type WorkerMessage = { finding: string; index: number } | { next: number };

/** `current` holds the index of the input that is being tried, for whoever has to find out what hangs. */
const { current, folder } = workerData as { current: Int32Array; folder: string };
const own = join(folder, `worker${threadId}`);
const corpora = new Map<string, Uint8Array[]>();

parentPort!.on('message', async ({ reader, seed, from, milliseconds }: Batch) => {
  const corpus = corpora.get(reader) ?? (await seeds[reader]());
  corpora.set(reader, corpus);
  const place = join(own, reader);
  await mkdir(place, { recursive: true });
  const end = performance.now() + milliseconds;
  let index = from;
  do {
    Atomics.store(current, 0, index);
    const finding = await tryInput(reader, mutated(corpus, seed, reader, index), place);
    if (finding !== undefined) parentPort!.postMessage({ finding, index } satisfies WorkerMessage);
    index++;
  } while (performance.now() < end);
  parentPort!.postMessage({ next: index } satisfies WorkerMessage);
});
