import { t } from '@vscode/l10n';
import type { ModelInfo } from '../../shared/protocol.ts';
import type { EngineFacts } from '../../shared/verdict.ts';

/** What the daemon is doing, as far as a user cares. */
export type DaemonState =
  | { kind: 'stopped' }
  | { kind: 'starting' }
  | { kind: 'ready'; model: ModelInfo }
  | { kind: 'busy'; model: ModelInfo; requests: number }
  | { kind: 'error'; message: string };

/** The status bar item for a state; `undefined` hides it. */
export interface StatusLook {
  text: string;
  /** Plain text. */
  tooltip: string;
  /** Colours the item as a warning. */
  warning: boolean;
}

export function statusLook(state: DaemonState): StatusLook | undefined {
  switch (state.kind) {
    case 'stopped':
      return undefined;
    case 'starting':
      return {
        text: '$(loading~spin) Deepfake',
        tooltip: t('The detector is starting'),
        warning: false,
      };
    case 'ready':
      return {
        text: '$(pulse) Deepfake',
        tooltip: `${t('The detector is ready. Model: {0}', state.model.name)}\n${engineText(state.model.engine)}`,
        warning: false,
      };
    case 'busy':
      return {
        text: '$(loading~spin) Deepfake',
        tooltip:
          state.requests === 1
            ? t('The detector is busy with one request. Model: {0}', state.model.name)
            : t('The detector is busy with {0} requests. Model: {1}', state.requests, state.model.name),
        warning: false,
      };
    case 'error':
      return {
        text: '$(warning) Deepfake',
        tooltip: `${state.message}\n${t('Click to see what can be done')}`,
        warning: true,
      };
  }
}

const engineText = ({ name, device }: EngineFacts): string => t('Engine: {0} on {1}', name, device);
