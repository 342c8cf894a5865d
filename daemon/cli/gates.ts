import type { MetricsFile } from '../../shared/protocol.ts';
import { checkGates, gateText } from '../evaluation/gates.ts';

export const EXIT_CODE_GATE_FAILED = 2;

/** Prints every gate and sets the exit code to 2 where one failed. */
export function reportGates(metrics: MetricsFile): void {
  for (const gate of checkGates(metrics)) {
    const { name, measured, required } = gateText(gate);
    console.log(`Gate ${gate.passed ? 'passed' : 'FAILED'}: ${name} ${measured}, ${required}`);
    if (!gate.passed) process.exitCode = EXIT_CODE_GATE_FAILED;
  }
}
