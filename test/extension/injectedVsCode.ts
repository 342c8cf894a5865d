import type * as vscode from 'vscode';
import { CancellationTokenSource, Emitter } from 'vscode-jsonrpc/node';

class CancellationError extends Error {}

class LanguageModelTextPart {
  constructor(readonly value: string) {}
}
class LanguageModelToolResult {
  constructor(readonly content: LanguageModelTextPart[]) {}
}

/** The few classes of VS Code that the extension's logic is given, from the JSON-RPC library or as plain as they are. */
export const injected = {
  EventEmitter: Emitter,
  CancellationTokenSource,
  CancellationError,
  LanguageModelTextPart,
  LanguageModelToolResult,
} as unknown as typeof vscode;
