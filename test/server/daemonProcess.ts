import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import type { InitializeResult } from 'vscode-languageserver-protocol';
import type { DetectorOptions } from '../../daemon/detector.ts';
import { distFile } from '../../daemon/paths.ts';
import { daemonConnection } from '../../scripts/load/daemonConnection.ts';
import { ReadyNotification } from '../../shared/protocol.ts';
import { temporaryFolder } from '../helpers.ts';

/** Not the user's. */
const DEEPFAKE_AUDIO_FEATURE_CACHE = temporaryFolder();

/** A daemon in a process of its own, and a client that talks to it over standard input and output. */
export class DaemonProcess {
  private constructor(
    readonly process: ChildProcess,
    readonly connection: MessageConnection,
    /** Settles with the exit code. */
    readonly exit: Promise<number | null>,
    /** What the daemon logs. */
    readonly log: string[],
    readonly serverName: string | undefined,
  ) {}

  /** Starts, initialises and, where `ready` is set, waits until the model is loaded; `module` is the daemon's entry point. */
  static async start(
    options: DetectorOptions,
    ready = true,
    environment: NodeJS.ProcessEnv = {},
    module = distFile('daemon.js'),
  ): Promise<DaemonProcess> {
    const child = spawn(process.execPath, [module, '--stdio'], {
      env: { ...process.env, DEEPFAKE_AUDIO_FEATURE_CACHE, ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const exit = once(child, 'exit').then(([code]) => code as number | null);
    const connection = daemonConnection(child);
    const log: string[] = [];
    child.stderr.on('data', (chunk) => log.push(String(chunk)));
    connection.onNotification(
      'window/logMessage',
      ({ message }: { message: string }) => void log.push(message),
    );
    const loaded = new Promise<void>((resolve) =>
      connection.onNotification(ReadyNotification.type, () => resolve()),
    );
    connection.listen();
    const { serverInfo } = await connection.sendRequest<InitializeResult>('initialize', {
      processId: process.pid,
      rootUri: null,
      capabilities: { window: { workDoneProgress: true } },
      initializationOptions: options,
    });
    await connection.sendNotification('initialized', {});
    const daemon = new DaemonProcess(child, connection, exit, log, serverInfo?.name);
    if (ready) await loaded;
    return daemon;
  }

  /** Ends it as an editor does and returns the exit code. */
  async stop(): Promise<number | null> {
    await this.connection.sendRequest('shutdown');
    await this.connection.sendNotification('exit');
    return this.exit;
  }

  /** For the end of a test, whatever state it left the daemon in. */
  kill(): void {
    this.connection.dispose();
    this.process.kill('SIGKILL');
  }
}
