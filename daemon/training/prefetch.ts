/** Batches made ready ahead of the network. */
const PREFETCHED_BATCHES = 4;

/** Asks for a few items ahead of the one being used; items come in order. */
export async function* prefetch<I, O>(inputs: I[], load: (input: I) => Promise<O>): AsyncGenerator<O> {
  const pending: Promise<O>[] = [];
  let next = 0;
  const refill = () => {
    while (pending.length < PREFETCHED_BATCHES && next < inputs.length) {
      const promise = load(inputs[next++]);
      // A failure is reported when its turn comes.
      promise.catch(() => {});
      pending.push(promise);
    }
  };
  for (refill(); pending.length > 0; refill()) yield await (pending.shift() as Promise<O>);
}
