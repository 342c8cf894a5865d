import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** What a request asked for, as a test looks at it. */
export interface SeenRequest {
  path: string;
  range: string | undefined;
  authorization: string | undefined;
}

/** A server on this machine that gives its answers in turn, the last one again and again. */
export class ScriptedServer {
  readonly seen: SeenRequest[] = [];
  private readonly server = createServer((request, response) => {
    const { range, authorization } = request.headers;
    this.seen.push({ path: request.url ?? '', range, authorization });
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    answer?.(request, response);
  });
  private answers: Answer[] = [];

  async start(...answers: Answer[]): Promise<void> {
    this.answers = answers;
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export const md5Of = (content: Buffer): string => createHash('md5').update(content).digest('base64');

export interface FileOptions {
  /** End the connection after so many bytes of the file. */
  breakAt?: number;
  /** Send everything whatever range was asked for. */
  ignoreRange?: boolean;
  headers?: Record<string, string>;
}

/** Serves a file as a storage host does: ranges, checksum, entity tag. */
export function file(content: Buffer, { breakAt, ignoreRange, headers }: FileOptions = {}): Answer {
  return (request, response) => {
    const from = ignoreRange ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (from >= content.length) {
      response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
      return;
    }
    response.writeHead(from > 0 ? 206 : 200, {
      'content-type': 'application/zip',
      'content-length': content.length - from,
      'x-goog-hash': `crc32c=AAAAAA==, md5=${md5Of(content)}`,
      etag: `"${md5Of(content)}"`,
      ...(from > 0 && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
      ...headers,
    });
    if (breakAt === undefined || breakAt >= content.length) {
      response.end(content.subarray(from));
    } else {
      // What was written arrives before the connection ends.
      response.write(content.subarray(from, breakAt));
      response.socket?.destroySoon();
    }
  };
}

export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) => {
    response.writeHead(code, headers).end('no');
  };

export const redirect = (to: string): Answer => status(302, { location: to });
