import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

const PROGRAMS = ['redis-server', 'valkey-server'];

/** The servers that this machine has. */
export const redisPrograms = PROGRAMS.filter(
  (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0,
);

/** Why tests that need a server are skipped; false where there is one. */
export const withoutRedis =
  redisPrograms.length > 0
    ? false
    : `no ${PROGRAMS.join(' or ')} here: install one, for instance with "apt-get install redis-server"`;

/** A server of its own on a free port, which keeps what it holds in a file. */
export class RedisServer {
  private readonly folder = mkdtempSync(join(tmpdir(), 'deepfake-audio-redis-'));
  private process: ChildProcess | undefined;

  private constructor(
    private readonly program: string,
    private readonly port: number,
  ) {}

  /** It ends with the tests of the file that asks for it. */
  static async start(program = redisPrograms[0]): Promise<RedisServer> {
    const server = new RedisServer(program, await freePort());
    after(() => server.dispose());
    await server.run();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Ends the server as a machine does that is shut down, and starts it again with what it had written. */
  async restart(): Promise<void> {
    await this.end('SIGTERM');
    await this.run();
  }

  private async run(): Promise<void> {
    const options = { port: this.port, bind: '127.0.0.1', dir: this.folder, appendonly: 'yes', save: '' };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    this.process = spawn(this.program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const { stdout } = this.process;
    stdout?.setEncoding('utf8');
    let said = '';
    for await (const text of stdout ?? []) {
      said += text;
      if (said.includes('Ready to accept connections')) break;
    }
    if (this.process.exitCode !== null) throw new Error(`${this.program} does not start: ${said}`);
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { process } = this;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const exit = once(process, 'exit');
    process.kill(signal);
    await exit;
  }

  private async dispose(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
