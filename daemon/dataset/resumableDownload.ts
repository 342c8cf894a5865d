import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import { writeError, writeFileAtomically } from '../files.ts';

export interface DownloadOptions {
  url: URL;
  /** Value of the Authorization header; it goes to the origin of `url` and to no other. */
  authorization: string;
  /** Where the whole file ends up; until then FILE.part and FILE.part.json hold what is there of it. */
  file: string;
  /** The error for a status that the origin of `url` answered and that no further attempt can change. */
  refusal: (status: number) => DeepfakeError | undefined;
  /** Called before bytes are written; what it throws ends the download. */
  onSize?: (total: number, missing: number) => Promise<void>;
  onProgress?: (received: number, total: number) => void;
  /** Called before the wait for another attempt. */
  onRetry?: (reason: string, seconds: number) => void;
  /** Aborting keeps what was received. */
  signal?: AbortSignal;
  /** Milliseconds to wait before the next attempts; the list starts anew when an attempt got further than all before. */
  retryDelays?: readonly number[];
  /** Milliseconds without a byte after which an attempt is given up. */
  stallTimeout?: number;
}

const RETRY_DELAYS = [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000];
const STALL_TIMEOUT = 60_000;
const LONGEST_RETRY_AFTER = 300_000;
const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];
/** Statuses that may be others a moment later: time-outs and rate limits. */
const TEMPORARY = [408, 425, 429];

/** What a server says about the file; a part belongs to the rest only where all of it agrees. */
interface Source {
  /** Bytes. */
  size: number;
  etag?: string;
  /** Base64. */
  md5?: string;
}

/** A failure that another attempt may not meet. */
class TemporaryFailure extends Error {
  constructor(
    message: string,
    readonly retryAfter = 0,
  ) {
    super(message);
  }
}

/**
 * Downloads `url` to `file`, going on from what an earlier call left (HTTP ranges, RFC 9110 section 14). Size and MD5 are checked where the
 * server states them. Throws DeepfakeError DownloadFailed, WriteFailed, Cancelled, or what `refusal` gives.
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { file, signal, retryDelays = RETRY_DELAYS } = options;
  const part = partOf(file);
  let furthest = await sizeOf(part);
  let failures = 0;
  for (;;) {
    try {
      const source = await receive(options, part);
      await verify(source, part, options);
      await rename(part, file);
      await rm(sidecarOf(part), { force: true });
      return;
    } catch (error) {
      const final = finalError(error, options, part);
      if (final !== undefined) throw final;
      const size = await sizeOf(part);
      if (size > furthest) {
        furthest = size;
        failures = 0;
      }
      if (failures === retryDelays.length) {
        throw new DeepfakeError(
          ErrorCode.DownloadFailed,
          `${options.url.host} did not deliver the whole file in ${failures + 1} attempts (${reasonOf(error)}): ` +
            'what was received is kept, so run the same command again later.',
          file,
          { cause: error },
        );
      }
      const wait = Math.max(
        retryDelays[failures++],
        error instanceof TemporaryFailure ? error.retryAfter : 0,
      );
      options.onRetry?.(reasonOf(error), wait / 1000);
      await delay(wait, undefined, { signal }).catch(() => {});
      if (signal?.aborted) throw cancelled(part);
    }
  }
}

function finalError(error: unknown, { signal, file }: DownloadOptions, part: string) {
  if (error instanceof DeepfakeError) return error;
  if (signal?.aborted) return cancelled(part);
  return writeError(error, file);
}

const cancelled = (part: string): DeepfakeError =>
  new DeepfakeError(
    ErrorCode.Cancelled,
    `The download was cancelled; ${part} is kept and the next run goes on from there.`,
    part,
  );

/** One attempt: asks for what is missing and appends it. */
async function receive(options: DownloadOptions, part: string): Promise<Source> {
  let have = await sizeOf(part);
  const known = have > 0 ? await readSidecar(part) : undefined;
  if (known === undefined) have = 0;
  if (known !== undefined && have === known.size) return known;

  const stall = new AbortController();
  const { stallTimeout = STALL_TIMEOUT } = options;
  const timer = setTimeout(
    () => stall.abort(new TemporaryFailure(`nothing came for ${stallTimeout / 1000} seconds`)),
    stallTimeout,
  );
  const signal = options.signal ? AbortSignal.any([options.signal, stall.signal]) : stall.signal;
  try {
    const response = await request(options, have, signal);
    const source = sourceOf(response);
    if (
      response.status === 206 &&
      (known === undefined || !isSame(source, known) || startOf(response) !== have)
    ) {
      await response.body?.cancel();
      await rm(part, { force: true });
      throw new TemporaryFailure('the file on the server has changed');
    }
    // Without a 206 the server sends everything from the start, whatever was asked for.
    if (response.status !== 206) have = 0;
    await options.onSize?.(source.size, source.size - have);
    await writeFileAtomically(sidecarOf(part), JSON.stringify(source));
    const target = await open(part, have === 0 ? 'w' : 'a');
    try {
      options.onProgress?.(have, source.size);
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        timer.refresh();
        await target.appendFile(chunk);
        have += chunk.length;
        options.onProgress?.(have, source.size);
      }
    } finally {
      await target.close();
    }
    if (have > source.size) {
      await rm(part, { force: true });
      throw new TemporaryFailure('more bytes came than were announced');
    }
    if (have < source.size)
      throw new TemporaryFailure(`the connection broke off after ${have} of ${source.size} bytes`);
    return source;
  } catch (error) {
    throw stall.signal.aborted ? stall.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Sends the request and follows redirects; the body of the answer is the file from byte `have` or from the start. */
async function request(options: DownloadOptions, have: number, signal: AbortSignal): Promise<Response> {
  const start = options.url;
  let url = start;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await fetch(url, {
      redirect: 'manual',
      signal,
      headers: {
        // A compressed transfer would make byte positions meaningless.
        'accept-encoding': 'identity',
        'user-agent': 'deepfake-audio',
        ...(have > 0 && { range: `bytes=${have}-` }),
        ...(url.origin === start.origin && { authorization: options.authorization }),
      },
    });
    if (!REDIRECTS.includes(response.status)) {
      if (response.status !== 200 && response.status !== 206) {
        await response.body?.cancel();
        if (response.status === 416) await rm(partOf(options.file), { force: true });
        throw failureOf(response, url, options, have);
      }
      if (response.headers.get('content-type')?.startsWith('text/html')) {
        await response.body?.cancel();
        // A log-in page instead of the file.
        throw options.refusal(401) ?? new TemporaryFailure(`${url.host} answered with a web page`);
      }
      return response;
    }
    await response.body?.cancel();
    const next = new URL(response.headers.get('location') ?? '', url);
    if (next.protocol !== 'https:' && next.protocol !== start.protocol) {
      throw new DeepfakeError(
        ErrorCode.DownloadFailed,
        `${url.host} sends on to an address that is not encrypted (${next.protocol}//${next.host}): nothing was downloaded.`,
      );
    }
    url = next;
  }
  throw new TemporaryFailure(`${start.host} redirects in circles`);
}

function failureOf(response: Response, url: URL, options: DownloadOptions, have: number): Error {
  const { status } = response;
  const answer = `${url.host} answered ${status}`;
  if (status >= 500 || TEMPORARY.includes(status)) {
    const seconds = Number(response.headers.get('retry-after') ?? 0);
    return new TemporaryFailure(answer, Math.min(1000 * (seconds || 0), LONGEST_RETRY_AFTER));
  }
  // A storage host refuses links that have expired; the next attempt asks for a new one.
  if (url.origin !== options.url.origin) return new TemporaryFailure(answer);
  // The part was longer than the file is now, and is gone.
  if (status === 416 && have > 0) return new TemporaryFailure(answer);
  return (
    options.refusal(status) ??
    new DeepfakeError(
      ErrorCode.DownloadFailed,
      `${answer} to the request for ${options.url.pathname}: nothing was downloaded.`,
    )
  );
}

function sourceOf({ status, headers }: Response): Source {
  const stated = status === 206 ? headers.get('content-range')?.split('/')[1] : headers.get('content-length');
  const size = Number(stated ?? Number.NaN);
  if (!Number.isSafeInteger(size) || size <= 0)
    throw new TemporaryFailure('the server does not say how large the file is');
  const md5 = /(?:^|[\s,])md5=([A-Za-z0-9+/]{22}==)/.exec(headers.get('x-goog-hash') ?? '')?.[1];
  const contentMd5 = status === 200 ? headers.get('content-md5') : null;
  const etag = headers.get('etag');
  return { size, ...(etag && { etag }), ...((md5 ?? contentMd5) && { md5: md5 ?? contentMd5! }) };
}

const startOf = ({ headers }: Response): number =>
  Number(/^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1] ?? Number.NaN);

const isSame = (a: Source, b: Source): boolean =>
  a.size === b.size &&
  (['etag', 'md5'] as const).every(
    (key) => a[key] === undefined || b[key] === undefined || a[key] === b[key],
  );

/** Throws where the MD5 is known and another; the part is removed then, for nothing can be added to make it right. */
async function verify({ md5 }: Source, part: string, { url, file, signal }: DownloadOptions): Promise<void> {
  if (md5 === undefined) return;
  const hash = createHash('md5');
  for await (const chunk of createReadStream(part, { signal, highWaterMark: 2 ** 20 })) hash.update(chunk);
  if (hash.digest('base64') === md5) return;
  await rm(part, { force: true });
  await rm(sidecarOf(part), { force: true });
  throw new DeepfakeError(
    ErrorCode.DownloadFailed,
    `What ${url.host} delivered does not have the checksum that it announced and was deleted: run the same command again.`,
    file,
  );
}

const partOf = (file: string): string => `${file}.part`;
const sidecarOf = (part: string): string => `${part}.json`;

async function readSidecar(part: string): Promise<Source | undefined> {
  try {
    const source = JSON.parse(await readFile(sidecarOf(part), 'utf8')) as Source;
    return Number.isSafeInteger(source.size) ? source : undefined;
  } catch {
    return undefined;
  }
}

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => undefined))?.size ?? 0;

/** The innermost reason: fetch wraps what the network said. */
function reasonOf(error: unknown): string {
  const { cause } = error as Error;
  return cause instanceof Error ? reasonOf(cause) : messageOf(error);
}
