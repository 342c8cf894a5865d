/** Results that may be held back while an earlier one, such as a long file, is not ready. */
const HELD_RESULTS = 2048;

/** Hands results on in the order of their indices, whatever the order in which they come. */
export class PathOrder<T> {
  private readonly held = new Map<number, T | undefined>();
  private readonly waiting: (() => void)[] = [];
  private next = 0;
  private stopped = false;
  private handing: Promise<void> = Promise.resolve();

  constructor(private readonly hand: (value: T) => Promise<void>) {}

  /** Resolves when the result with this index would not be held back together with too many others. */
  async room(index: number): Promise<void> {
    while (!this.stopped && index >= this.next + HELD_RESULTS) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** Undefined takes the place of an index without a result. */
  put(index: number, value: T | undefined): Promise<void> {
    this.held.set(index, value);
    this.handing = this.handing.then(() => this.handReady());
    return this.handing;
  }

  /** Lets go of everybody who waits for room. */
  stop(): void {
    this.stopped = true;
    for (const go of this.waiting.splice(0)) go();
  }

  private async handReady(): Promise<void> {
    while (this.held.has(this.next)) {
      const value = this.held.get(this.next);
      this.held.delete(this.next++);
      if (value !== undefined) await this.hand(value);
    }
    for (const go of this.waiting.splice(0)) go();
  }
}
