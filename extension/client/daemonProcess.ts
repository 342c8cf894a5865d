import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { LogOutputChannel } from 'vscode';

/** A daemon that has been told to end is killed after that. */
const END_LIMIT_MS = 2000;

/** The daemon's process, which talks JSON-RPC over Node's own channel between processes. */
export class DaemonProcess {
  readonly child: ChildProcess;
  /** Resolves when it has ended, or could not be started. */
  readonly ended: Promise<void>;

  /**
   * Starts it.
   * @param module Path of the daemon's entry point.
   * @param codeCache Folder in which Node (22.1 and newer) keeps the compiled code for the next start.
   */
  constructor(module: string, codeCache: string, log: LogOutputChannel) {
    this.child = fork(module, ['--node-ipc', `--clientProcessId=${process.pid}`], {
      env: {
        NODE_COMPILE_CACHE: codeCache,
        ...process.env,
        ELECTRON_RUN_AS_NODE: '1',
        ELECTRON_NO_ASAR: '1',
      },
      execArgv: [],
      silent: true,
    });
    this.ended = new Promise((resolve) => {
      this.child.once('close', () => resolve());
      this.child.once('error', (error) => {
        log.error(error);
        resolve();
      });
    });
    const { stdout, stderr } = this.child;
    if (stdout !== null) createInterface(stdout).on('line', (line) => log.info(line));
    if (stderr !== null) createInterface(stderr).on('line', (line) => log.error(line));
  }

  /** Kills it unless it ends by itself soon. */
  endSoon(): void {
    const limit = setTimeout(() => this.kill(), END_LIMIT_MS);
    void this.ended.then(() => clearTimeout(limit));
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}
