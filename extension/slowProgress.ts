import * as vscode from 'vscode';

/** Work that is done by then needs no notification. */
const PATIENCE_MS = 700;

export type ProgressReporter = (percentage: number, message?: string) => void;

/**
 * Runs `work` and shows a notification with "Cancel" if it takes longer than a moment. Cancelling fires the token.
 * Throws what `work` throws, but for vscode.CancellationError.
 */
export async function withSlowProgress(
  title: string,
  work: (token: vscode.CancellationToken, report: ProgressReporter) => Promise<void>,
): Promise<void> {
  const cancellation = new vscode.CancellationTokenSource();
  let notification: vscode.Progress<{ message?: string; increment?: number }> | undefined;
  let shown = 0;
  let latest: { percentage: number; message?: string } | undefined;
  const update = () => {
    if (notification === undefined || latest === undefined) return;
    notification.report({ message: latest.message, increment: latest.percentage - shown });
    shown = latest.percentage;
  };
  const working = work(cancellation.token, (percentage, message) => {
    latest = { percentage, message };
    update();
  }).catch((error) => {
    if (!(error instanceof vscode.CancellationError)) throw error;
  });
  const slow = setTimeout(() => {
    void vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title, cancellable: true },
      (progress, token) => {
        notification = progress;
        token.onCancellationRequested(() => cancellation.cancel());
        update();
        return working.catch(() => undefined);
      },
    );
  }, PATIENCE_MS);
  try {
    await working;
  } finally {
    clearTimeout(slow);
    cancellation.dispose();
  }
}
