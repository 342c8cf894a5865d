import type { Finding } from '../../extension/scan/finding.ts';
import type { Outcome } from '../../shared/scanPage.ts';

/** A finding with what matters to a test. */
export function finding(file: string, outcome: Outcome, probability?: number): Finding {
  const remark = outcome === 'Not read' ? `${file} is not audio.` : '';
  return {
    file,
    outcome,
    ...(probability === undefined ? {} : { probability, duration: 4 }),
    remark,
    time: 0,
  };
}
