/** Seconds after which a measured speed has lost 63 % of its weight. */
const MEMORY_SECONDS = 20;
/** Seconds of steps before the rest of a run is estimated. */
const SETTLING_SECONDS = 2;

/** The speed of a training run, smoothed, and what follows for its rest. Times in seconds. */
export class RunClock {
  private examples = 0;
  private seconds = 0;
  /** Of all steps. */
  private total = 0;
  private stepEndedAt: number | undefined;
  private validation = 0;

  constructor(private readonly now: () => number = () => performance.now() / 1000) {}

  /** Steps begin again after something else took time. */
  epochBegins(): void {
    if (this.stepEndedAt !== undefined) this.stepEndedAt = this.now();
  }

  /** A run's first step is not counted: it has the network to set up. */
  stepDone(examples: number): void {
    const now = this.now();
    if (this.stepEndedAt !== undefined) {
      const elapsed = now - this.stepEndedAt;
      const kept = Math.exp(-elapsed / MEMORY_SECONDS);
      this.examples = this.examples * kept + examples;
      this.seconds = this.seconds * kept + elapsed;
      this.total += elapsed;
    }
    this.stepEndedAt = now;
  }

  validationTook(seconds: number): void {
    this.validation = seconds;
  }

  /** Smoothed; undefined before anything was measured. */
  get examplesPerSecond(): number | undefined {
    return this.seconds > 0 ? this.examples / this.seconds : undefined;
  }

  /** For so many examples and validations more; undefined while there is too little to go by. */
  secondsFor(examples: number, validations: number): number | undefined {
    const rate = this.examplesPerSecond;
    if (rate === undefined || this.total < SETTLING_SECONDS) return undefined;
    return examples / rate + validations * this.validation;
  }
}
