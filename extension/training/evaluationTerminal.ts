import { t } from '@vscode/l10n';
import type * as vscode from 'vscode';
import { share } from '../../media/training/wording.ts';
import type { EvaluateParams, EvaluateResult } from '../../shared/protocol.ts';
import { bold, green, LiveTerminal, yellow } from './liveTerminal.ts';

const STOPPED = 130;

export interface EvaluationOptions {
  token: vscode.CancellationToken;
  onProgress: (percentage: number | undefined, message: string | undefined) => void;
}

/** Sends an evaluation to the daemon. */
export type Evaluate = (params: EvaluateParams, options: EvaluationOptions) => Promise<EvaluateResult>;

/** The terminal of an evaluation task: a live line, and the figures at the end. */
export class EvaluationTerminal extends LiveTerminal {
  private readonly cancellation: vscode.CancellationTokenSource;

  /** @param paramsOf Reads the task's definition; its error is the terminal's last word. */
  constructor(
    api: Pick<typeof vscode, 'EventEmitter' | 'CancellationTokenSource'>,
    private readonly paramsOf: () => EvaluateParams,
    private readonly evaluate: Evaluate,
  ) {
    super(api);
    this.cancellation = new api.CancellationTokenSource();
  }

  protected override begin(): void {
    void this.run();
  }

  protected override interrupt(): void {
    this.cancellation.cancel();
  }

  private async run(): Promise<void> {
    const { token } = this.cancellation;
    try {
      const params = this.paramsOf();
      this.line(bold(t('Evaluating on {0}', params.dataRoot)));
      this.live(t('Starting…'));
      const onProgress: EvaluationOptions['onProgress'] = (_, message) => this.live(message ?? '');
      this.conclude(await this.evaluate(params, { token, onProgress }));
    } catch (error) {
      this.live('');
      if (token.isCancellationRequested) {
        this.line(yellow(t('The evaluation was cancelled; no report was written.')));
        this.end(STOPPED);
      } else {
        this.fail(error);
      }
    }
  }

  private conclude({ metrics, coverage, decidedAccuracy, reportFile, warnings }: EvaluateResult): void {
    this.live('');
    for (const warning of warnings) this.line(yellow(warning));
    this.line(
      green(
        bold(
          t(
            'EER {0}, accuracy {1}, F1 {2}',
            share(metrics.eer),
            share(metrics.accuracy),
            metrics.f1.toFixed(3),
          ),
        ),
      ),
    );
    this.line(t('{0} of the clips decided, {1} of them rightly.', share(coverage), share(decidedAccuracy)));
    this.line(t('Report: {0}', reportFile));
    this.end(0);
  }
}
