import * as vscode from 'vscode';
import type { TrainingView } from '../../media/training/messages.ts';
import { statusText } from '../../media/training/wording.ts';
import { Command, StatusItem } from '../contributions.ts';

/** While something is being trained, the status bar says how far it is; a click shows the curves. */
export class TrainingStatusItem implements vscode.Disposable {
  private item: vscode.StatusBarItem | undefined;

  /** Shows how a run stands; no item without one. */
  show(view: TrainingView | undefined): void {
    if (view === undefined) {
      this.dispose();
      return;
    }
    const { phase, epoch, epochs, name } = view;
    const text =
      phase === 'training' ? vscode.l10n.t('Training: epoch {0} of {1}', epoch, epochs) : statusText(view);
    const item = this.item ?? createItem();
    this.item = item;
    item.text = `$(loading~spin) ${text}`;
    item.tooltip = vscode.l10n.t('A detector is being trained on {0}. Click to see the curves.', name);
    item.accessibilityInformation = { label: text, role: 'button' };
  }

  dispose(): void {
    this.item?.dispose();
    this.item = undefined;
  }
}

function createItem(): vscode.StatusBarItem {
  const item = vscode.window.createStatusBarItem(StatusItem.training, vscode.StatusBarAlignment.Left);
  item.name = vscode.l10n.t('Deepfake training');
  item.command = Command.showTraining;
  item.show();
  return item;
}
