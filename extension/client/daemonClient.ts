import * as vscode from 'vscode';
import type { RequestType } from 'vscode-languageclient/node';
import { messageOf } from '../../shared/errors.ts';
import {
  type ClassifyParams,
  ClassifyRequest,
  type ClassifyResult,
  DatasetRequest,
  type DatasetResult,
  type ErrorData,
  type EvaluateParams,
  EvaluateRequest,
  type EvaluateResult,
  type ExportModelParams,
  ExportModelRequest,
  type ExportModelResult,
  type FileResult,
  type ImportModelParams,
  ImportModelRequest,
  type ImportModelResult,
  LoadModelRequest,
  type ModelInfo,
  type PlayableAudioParams,
  PlayableAudioRequest,
  type PlayableAudioResult,
  type ReportDetailParams,
  ReportDetailRequest,
  type ReportPart,
  ReportRequest,
  type ScanParams,
  type ScanPart,
  type ScanReportParams,
  ScanReportRequest,
  ScanRequest,
  type ScanSummary,
  type TrainingEvent,
  type TrainParams,
  TrainRequest,
  type TrainResult,
} from '../../shared/protocol.ts';
import type { Pictures, Verdict } from '../../shared/verdict.ts';
import { Command } from '../contributions.ts';
import type { DaemonOptions } from '../settings.ts';
import { DaemonConnection, type SendOptions } from './daemonConnection.ts';
import { DaemonLostError, DaemonStartError } from './daemonErrors.ts';
import type { DaemonProcess } from './daemonProcess.ts';
import type { DaemonState } from './daemonState.ts';

interface RequestOptions<T = never> extends SendOptions<T> {
  /** Work of minutes or hours: it does not make the detector busy, and is not sent again when the daemon dies. */
  lasting?: boolean;
}

/** Starts the daemon on the first request, and again on the next one after it has ended for whatever reason. */
export class DaemonClient implements vscode.Disposable {
  private readonly stateChanged = new vscode.EventEmitter<DaemonState>();
  readonly onDidChangeState = this.stateChanged.event;
  private current: DaemonState = { kind: 'stopped' };
  private connection: Promise<DaemonConnection> | undefined;
  private model: ModelInfo | undefined;
  private requests = 0;
  private disposed = false;

  /**
   * @param startProcess Starts the daemon's process.
   * @param readOptions Called at each start.
   */
  constructor(
    private readonly startProcess: () => DaemonProcess,
    private readonly log: vscode.LogOutputChannel,
    private readonly readOptions: () => DaemonOptions,
  ) {}

  get state(): DaemonState {
    return this.current;
  }

  classify(params: ClassifyParams, options?: RequestOptions): Promise<ClassifyResult> {
    return this.request(ClassifyRequest.type, params, options);
  }

  /** Tells each result as it comes. */
  async classifyEach(
    params: ClassifyParams,
    onResults: (results: FileResult[]) => void,
    options: RequestOptions,
  ): Promise<void> {
    const partial = { type: ClassifyRequest.partialResult, receive: onResults };
    await this.request(ClassifyRequest.type, params, { ...options, partial });
  }

  /** Fails with DaemonLostError where the daemon ends meanwhile; what it has told by then it has kept. */
  async scan(
    params: ScanParams,
    onPart: (part: ScanPart) => void,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const partial = { type: ScanRequest.partialResult, receive: onPart };
    await this.request(ScanRequest.type, params, { token, partial, lasting: true });
  }

  scanReport(params: ScanReportParams, options?: RequestOptions): Promise<ScanSummary> {
    return this.request(ScanReportRequest.type, params, options);
  }

  /** Fails with DaemonLostError where the daemon ends meanwhile. */
  train(
    params: TrainParams,
    onEvent: (event: TrainingEvent) => void,
    token: vscode.CancellationToken,
  ): Promise<TrainResult> {
    const partial = { type: TrainRequest.partialResult, receive: onEvent };
    return this.request(TrainRequest.type, params, { token, partial, lasting: true });
  }

  evaluate(params: EvaluateParams, options?: RequestOptions): Promise<EvaluateResult> {
    return this.request(EvaluateRequest.type, params, options);
  }

  dataset(dataRoot: string, options?: RequestOptions): Promise<DatasetResult> {
    return this.request(DatasetRequest.type, { dataRoot }, options);
  }

  importModel(params: ImportModelParams, options?: RequestOptions): Promise<ImportModelResult> {
    return this.request(ImportModelRequest.type, params, options);
  }

  exportModel(params: ExportModelParams, options?: RequestOptions): Promise<ExportModelResult> {
    return this.request(ExportModelRequest.type, params, options);
  }

  /** Tells `onPart` several times a second how far it is with a long file. */
  report(
    file: string,
    onPart: (part: ReportPart) => void,
    token: vscode.CancellationToken,
  ): Promise<Verdict> {
    const partial = { type: ReportRequest.partialResult, receive: onPart };
    return this.request(ReportRequest.type, { file }, { token, partial });
  }

  reportDetail(params: ReportDetailParams): Promise<Pictures> {
    return this.request(ReportDetailRequest.type, params);
  }

  playableAudio(params: PlayableAudioParams, options?: RequestOptions): Promise<PlayableAudioResult> {
    return this.request(PlayableAudioRequest.type, params, options);
  }

  /**
   * The daemon's answer. A request whose daemon dies is sent once more, to a new one.
   * Throws vscode.CancellationError, or the daemon's error, whose message a user can read.
   */
  async request<P, R, T = never>(
    type: RequestType<P, R, ErrorData>,
    params: P,
    options: RequestOptions<T> = {},
  ): Promise<R> {
    const weight = options.lasting ? 0 : 1;
    this.requests += weight;
    this.publish();
    try {
      for (let attempt = 1; ; attempt++) {
        const connection = await this.connect();
        try {
          const result = await connection.send(type, params, options);
          if (this.model === undefined) void this.learnModel(connection);
          return result;
        } catch (error) {
          if (options.token?.isCancellationRequested) throw new vscode.CancellationError();
          if (!connection.lost || this.disposed) throw error;
          const message = vscode.l10n.t('The detector stopped unexpectedly. Its log may say why.');
          if (options.lasting) throw new DaemonLostError(message);
          if (attempt === 2) throw new Error(message);
          this.log.warn('The detector stopped during a request; the request is sent again.');
        }
      }
    } finally {
      this.requests -= weight;
      this.publish();
    }
  }

  /**
   * Loads a model, the shipped one where none is named, so that a broken one is found out before it is chosen.
   * Throws the daemon's error; the model in use then stays.
   */
  async tryModel(checkpoint: string | undefined): Promise<ModelInfo> {
    const model = await this.request(LoadModelRequest.type, { checkpoint });
    this.model = model;
    this.enter({ kind: 'ready', model });
    this.publish();
    return model;
  }

  /** Loads the model that the settings name, if the daemon runs. Throws the daemon's error; the model in use then stays. */
  async followSettings(): Promise<void> {
    if (this.connection !== undefined) await this.tryModel(this.readOptions().checkpoint);
  }

  /** Ends the daemon, if it runs, and starts a new one with the settings of now. */
  async restart(): Promise<void> {
    await this.stop();
    await this.connect();
  }

  /** Ends the daemon, if it runs; the next request starts a new one. */
  async stop(): Promise<void> {
    const connecting = this.connection;
    this.connection = undefined;
    this.enter({ kind: 'stopped' });
    const connection = await connecting?.catch(() => undefined);
    if (connection === undefined || connection.lost) return;
    this.model = undefined;
    if (this.connection === undefined) this.enter({ kind: 'stopped' });
    await connection.end();
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    await this.stop();
    this.stateChanged.dispose();
  }

  private connect(): Promise<DaemonConnection> {
    if (this.connection === undefined) {
      const connecting = this.start().catch((error) => {
        const message = vscode.l10n.t('The detector could not be started: {0}', messageOf(error));
        if (this.connection === connecting) {
          this.connection = undefined;
          this.fail(message);
        }
        throw new DaemonStartError(message);
      });
      this.connection = connecting;
    }
    return this.connection;
  }

  private async start(): Promise<DaemonConnection> {
    this.model = undefined;
    this.enter({ kind: 'starting' });
    const connection = await DaemonConnection.open(this.startProcess(), this.log, this.readOptions(), () =>
      this.handleLost(),
    );
    void this.learnModel(connection);
    return connection;
  }

  /** The daemon is ready when it has loaded its model. */
  private async learnModel(connection: DaemonConnection): Promise<void> {
    try {
      const model = await connection.model();
      if (connection.lost) return;
      this.model = model;
      this.enter({ kind: 'ready', model });
      this.publish();
    } catch (error) {
      if (!connection.lost) this.enter({ kind: 'error', message: messageOf(error) });
    }
  }

  private handleLost(): void {
    this.model = undefined;
    this.connection = undefined;
    this.log.error('The detector stopped unexpectedly.');
    this.enter({
      kind: 'error',
      message: vscode.l10n.t('The detector stopped unexpectedly. It starts again when it is needed.'),
    });
  }

  private fail(message: string): void {
    this.log.error(message);
    this.enter({ kind: 'error', message });
    const showLog = vscode.l10n.t('Show log');
    const restart = vscode.l10n.t('Restart');
    void vscode.window.showErrorMessage(message, showLog, restart).then((choice) => {
      if (choice === showLog) void vscode.commands.executeCommand(Command.showLog);
      if (choice === restart) void vscode.commands.executeCommand(Command.restartDaemon);
    });
  }

  /** Ready and busy differ by the number of requests under way. */
  private publish(): void {
    if (this.model === undefined || (this.current.kind !== 'ready' && this.current.kind !== 'busy')) return;
    this.enter(
      this.requests === 0
        ? { kind: 'ready', model: this.model }
        : { kind: 'busy', model: this.model, requests: this.requests },
    );
  }

  private enter(state: DaemonState): void {
    this.current = state;
    this.stateChanged.fire(state);
  }
}
