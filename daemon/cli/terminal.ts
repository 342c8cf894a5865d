/** One line on standard error that is rewritten in place; silent where that is not a terminal. */
export class ProgressLine {
  private readonly live = process.stderr.isTTY === true;
  private width = 0;

  show(text: string): void {
    if (!this.live) return;
    // A line that wraps could not be rewritten. Some terminals do not know their width, or say 0.
    const line = text.slice(0, (process.stderr.columns || Number.POSITIVE_INFINITY) - 1);
    process.stderr.write(`\r${line.padEnd(this.width)}`);
    this.width = line.length;
  }

  clear(): void {
    if (!this.live || this.width === 0) return;
    process.stderr.write(`\r${' '.repeat(this.width)}\r`);
    this.width = 0;
  }
}

/** Tells the user something that is no failure. */
export const warn = (message: string): void => console.error(`warning: ${message}`);
