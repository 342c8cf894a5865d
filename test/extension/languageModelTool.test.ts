import assert from 'node:assert/strict';
import { realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type * as vscode from 'vscode';
import { DetectTool } from '../../extension/languageModelTool.ts';
import type { ClassifyResult } from '../../shared/protocol.ts';
import { subfolder, temporaryFolder } from '../helpers.ts';
import { verdictOf } from '../verdicts.ts';
import { injected } from './injectedVsCode.ts';

const root = realpathSync(temporaryFolder());
const workspace = subfolder(root, 'workspace');
const clip = join(workspace, 'clip.wav');
const secret = join(root, 'secret.wav');
for (const file of [clip, secret]) writeFileSync(file, '');
symlinkSync(secret, join(workspace, 'link.wav'));

const verdict = verdictOf(clip, 0.875);

function call(path: string, answer: () => Promise<ClassifyResult>, cancelled = false) {
  const asked: string[] = [];
  const tool = new DetectTool(
    injected,
    () => [workspace],
    (file) => {
      asked.push(file);
      return answer();
    },
  );
  const source = new injected.CancellationTokenSource();
  if (cancelled) source.cancel();
  const options = { input: { path } } as vscode.LanguageModelToolInvocationOptions<{ path: string }>;
  return { asked, tool, result: tool.invoke(options, source.token) };
}
const good = async () => ({ results: [{ file: clip, verdict: structuredClone(verdict) }] });

test('a language model gets the verdict as JSON, and a sentence with its limits', async () => {
  for (const path of ['clip.wav', clip]) {
    const { asked, result } = call(path, good);
    const [sentence, json] = (await result).content.map((part) => (part as { value: string }).value);
    assert.deepEqual(asked, [clip]);
    assert.match(sentence, /Probably synthetic speech.*88 %.*not proof/);
    assert.equal(JSON.parse(json).deepfake_probability, 0.875);
  }
});

test('only files of the workspace are examined, wherever a link leads', async () => {
  for (const path of [secret, '../secret.wav', 'link.wav']) {
    const { asked, result } = call(path, good);
    await assert.rejects(result, /not in the workspace/);
    assert.deepEqual(asked, []);
  }
  await assert.rejects(call('missing.wav', good).result, /no file missing\.wav/);
});

test('a file without a verdict is an error with its reason', async () => {
  const { result } = call('clip.wav', async () => ({
    results: [{ file: clip, error: { code: -33004, message: 'clip.wav is not audio.' } }],
  }));
  await assert.rejects(result, /clip\.wav is not audio\./);
});

test('a cancelled call is cancelled', async () => {
  await assert.rejects(call('clip.wav', good, true).result, injected.CancellationError);
});

test('the user is asked before a file is examined', async () => {
  const { tool, result } = call('clip.wav', good);
  await result;
  const { confirmationMessages } = tool.prepareInvocation({ input: { path: 'clip.wav' } });
  assert.match(String(confirmationMessages?.message), /clip\.wav on this machine/);
});
