import type { Disposable } from './disposables.ts';

/** Runs something soon after it was first asked for, and once for everything asked meanwhile. */
export class Throttle implements Disposable {
  private timer: NodeJS.Timeout | undefined;

  /** @param milliseconds From the first request to the run. */
  constructor(
    private readonly milliseconds: number,
    private readonly run: () => void,
  ) {}

  schedule(): void {
    this.timer ??= setTimeout(() => this.flush(), this.milliseconds);
  }

  /** Runs at once what is scheduled. */
  flush(): void {
    if (this.timer === undefined) return;
    this.dispose();
    this.run();
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
