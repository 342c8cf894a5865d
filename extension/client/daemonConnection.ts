import * as vscode from 'vscode';
import type { ProgressType, RequestType } from 'vscode-languageclient/node';
import {
  CloseAction,
  ErrorAction,
  IPCMessageReader,
  IPCMessageWriter,
  LanguageClient,
  RevealOutputChannelOn,
  WorkDoneProgress,
} from 'vscode-languageclient/node';
import { messageOf } from '../../shared/errors.ts';
import { type ErrorData, type ModelInfo, ModelRequest } from '../../shared/protocol.ts';
import { DisposableStore } from '../disposables.ts';
import type { DaemonOptions } from '../settings.ts';
import type { DaemonProcess } from './daemonProcess.ts';

/** A daemon that has not answered by then is ended; loading the model takes well under a second. */
const START_LIMIT_MS = 30_000;

export interface SendOptions<T = never> {
  token?: vscode.CancellationToken;
  /** Receives the percentage done in [0, 100] and a short text, whenever the daemon reports them. */
  onProgress?: (percentage: number | undefined, message: string | undefined) => void;
  /** Receives partial results as they come. */
  partial?: { type: ProgressType<T>; receive: (value: T) => void };
}

/** One life of the daemon's process, and the JSON-RPC connection to it. */
export class DaemonConnection {
  private readonly client: LanguageClient;
  /** It has answered the handshake. */
  private started = false;
  private ended = false;
  private progressTokens = 0;

  private constructor(
    private readonly process: DaemonProcess,
    private readonly log: vscode.LogOutputChannel,
    options: DaemonOptions,
    private readonly onLost: () => void,
  ) {
    const { child } = process;
    this.client = new QuietLanguageClient(
      'deepfake',
      'Deepfake',
      async () => ({ reader: new IPCMessageReader(child), writer: new IPCMessageWriter(child) }),
      {
        outputChannel: log,
        revealOutputChannelOn: RevealOutputChannelOn.Never,
        initializationOptions: options,
        initializationFailedHandler: () => false,
        errorHandler: {
          error: () => ({ action: ErrorAction.Continue, handled: true }),
          closed: () => {
            this.handleClosed();
            return { action: CloseAction.DoNotRestart, handled: true };
          },
        },
      },
    );
  }

  /**
   * Resolves when the daemon has answered the handshake; it may still be loading its model then.
   * @param onLost Called when it ends afterwards without having been told to.
   * @throws What went wrong, in words for a user; the process is ended then.
   */
  static async open(
    process: DaemonProcess,
    log: vscode.LogOutputChannel,
    options: DaemonOptions,
    onLost: () => void,
  ): Promise<DaemonConnection> {
    const connection = new DaemonConnection(process, log, options, onLost);
    await connection.start();
    return connection;
  }

  /** The process has ended or is being ended; requests under way fail. */
  get lost(): boolean {
    return this.ended;
  }

  /** The daemon's answer. Throws the daemon's error, whose message a user can read, or that of a connection that is lost. */
  async send<P, R, T>(
    type: RequestType<P, R, ErrorData>,
    params: P,
    { token, onProgress, partial }: SendOptions<T>,
  ): Promise<R> {
    const workDoneToken = `request-${++this.progressTokens}`;
    const progress = new DisposableStore();
    progress.add(
      this.client.onProgress(WorkDoneProgress.type, workDoneToken, (value) => {
        if (value.kind === 'report') onProgress?.(value.percentage, value.message);
      }),
    );
    const tokens: { workDoneToken: string; partialResultToken?: string } = { workDoneToken };
    if (partial !== undefined) {
      tokens.partialResultToken = `${workDoneToken}-partial`;
      progress.add(this.client.onProgress(partial.type, tokens.partialResultToken, partial.receive));
    }
    try {
      return await this.client.sendRequest(type, { ...params, ...tokens } as never, token);
    } finally {
      progress.dispose();
    }
  }

  /** The model in use, once it is loaded. */
  model(): Promise<ModelInfo> {
    return this.client.sendRequest(ModelRequest.type);
  }

  /** Ends the daemon, by force where it does not end when told to. */
  async end(): Promise<void> {
    this.ended = true;
    await this.client.stop().catch((error) => {
      this.log.warn(`The detector did not end by itself: ${messageOf(error)}`);
      this.process.kill();
    });
    this.process.endSoon();
  }

  private async start(): Promise<void> {
    const limit = setTimeout(() => this.process.kill(), START_LIMIT_MS);
    try {
      const starting = this.client.start();
      // Whichever comes later fails unseen.
      starting.catch(() => {});
      const ended = this.process.ended.then(() => {
        // Later it is told by the channel.
        if (!this.started) this.ended = true;
      });
      await Promise.race([starting, ended]);
      // It may resolve although the process has ended during the handshake.
      if (this.ended) throw new Error(vscode.l10n.t('it ended at once. Its log says why.'));
    } catch (error) {
      this.process.kill();
      throw error;
    } finally {
      clearTimeout(limit);
    }
    this.started = true;
  }

  private handleClosed(): void {
    const wanted = this.ended;
    this.ended = true;
    if (!wanted && this.started) this.onLost();
  }
}

/** Leaves telling the user to DaemonClient; the log still gets everything. */
class QuietLanguageClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}
