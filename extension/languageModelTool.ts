import { realpath } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { t } from '@vscode/l10n';
import type * as vscode from 'vscode';
import type { ClassifyResult } from '../shared/protocol.ts';
import type { Verdict } from '../shared/verdict.ts';
import { verdictJson } from '../shared/verdictJson.ts';
import { headline, percent } from '../shared/wording.ts';
import { pathInside } from './pathInside.ts';

/** What a language model fills in; package.json has the schema. */
export interface ToolInput {
  /** Absolute, or relative to a workspace folder. */
  path: string;
}

export type ToolApi = Pick<
  typeof vscode,
  'LanguageModelToolResult' | 'LanguageModelTextPart' | 'CancellationError'
>;

/** Classifies one audio file of the workspace for a language model. */
export class DetectTool implements vscode.LanguageModelTool<ToolInput> {
  /**
   * @param folders Paths of the workspace folders, now.
   * @param classify Asks the daemon.
   */
  constructor(
    private readonly api: ToolApi,
    private readonly folders: () => readonly string[],
    private readonly classify: (file: string, token: vscode.CancellationToken) => Promise<ClassifyResult>,
  ) {}

  prepareInvocation({
    input,
  }: vscode.LanguageModelToolInvocationPrepareOptions<ToolInput>): vscode.PreparedToolInvocation {
    return {
      invocationMessage: t('Listening for signs of synthesis in {0}', input.path),
      confirmationMessages: {
        title: t('Detect Deepfake'),
        message: t(
          'Examine {0} on this machine? The language model gets the verdict, not the sound.',
          input.path,
        ),
      },
    };
  }

  async invoke(
    { input }: vscode.LanguageModelToolInvocationOptions<ToolInput>,
    token: vscode.CancellationToken,
  ): Promise<vscode.LanguageModelToolResult> {
    const file = await workspaceFile(input.path, this.folders());
    const { results } = await this.classify(file, token);
    if (token.isCancellationRequested) throw new this.api.CancellationError();
    const [answer] = results;
    if ('error' in answer) throw new Error(answer.error.message);
    const { LanguageModelToolResult, LanguageModelTextPart } = this.api;
    return new LanguageModelToolResult([
      new LanguageModelTextPart(sentence(answer.verdict)),
      new LanguageModelTextPart(JSON.stringify(verdictJson(answer.verdict), null, 2)),
    ]);
  }
}

/** The verdict in words, with what it is worth. */
function sentence({ decision, deepfakeProbability, reasons, file, model }: Verdict): string {
  const because = reasons.length === 0 ? '' : ` ${reasons.join(' ')}`;
  return (
    `${file}: ${headline(decision)} (decision ${decision}, calibrated probability of synthetic speech ${percent(deepfakeProbability)}).${because} ` +
    `This is a statistical hint of the model ${model.name}, not proof: it errs, most often on kinds of synthesis that it has not met, ` +
    'on noisy or heavily compressed recordings and on sound that is not speech. Do not present it as certain, and do not accuse anybody on its account.'
  );
}

/**
 * The real path of a file of the workspace. Throws an error that the language model can act on where the file is not there, or lies,
 * perhaps by a link, outside all workspace folders.
 */
async function workspaceFile(path: string, folders: readonly string[]): Promise<string> {
  const candidates = isAbsolute(path) ? [path] : folders.map((folder) => join(folder, path));
  for (const candidate of candidates) {
    const file = await realpath(candidate).catch(() => undefined);
    if (file === undefined) continue;
    for (const folder of folders) {
      if (pathInside(await realpath(folder).catch(() => folder), file) !== undefined) return file;
    }
    throw new Error(`${path} is not in the workspace: only files of the open folders can be examined.`);
  }
  throw new Error(`There is no file ${path} in the workspace.`);
}
