import { createWriteStream } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DeepfakeError, ErrorCode, messageOf } from '../../../shared/errors.ts';
import { isUrl, nameOfUrl } from '../urls.ts';

/** A server that sends nothing for this long is given up. */
const SILENCE_LIMIT_MS = 60_000;
/** Answers of HTTP after which another attempt may do better. */
const PASSING_STATUS = new Set([408, 425, 429, 500, 502, 503, 504]);

export interface LocatorOptions {
  /** Where folders of the scan lie on this machine. */
  maps?: { from: string; to: string }[];
  /** Only files below these folders are read; default: all. */
  roots?: string[];
  /** Only URLs that begin like this are fetched; default: none. */
  urls?: string[];
  /** s3://BUCKET/KEY is fetched from here as ENDPOINT/BUCKET/KEY. */
  s3?: string;
}

/** Where a file of a job is for the time of its analysis. */
export interface Located {
  path: string;
  /** Of a URL: what tells changes. */
  state?: string;
  dispose(): Promise<void>;
}

/** The network or a server failed in a way that may pass. */
export class PassingFailure extends Error {}

/** Finds the files of jobs on this machine, or fetches them. */
export class FileLocator {
  constructor(private readonly options: LocatorOptions = {}) {}

  /**
   * `state` is what a URL gave before; 'unchanged' where it gives the same. Throws FileUnreadable for what this worker may not
   * read, FileNotFound and FileUnreadable for what a server refuses, and PassingFailure.
   */
  async locate(path: string, state: string, signal?: AbortSignal): Promise<Located | 'unchanged'> {
    if (isUrl(path)) return this.fetch(path, state, signal);
    const local = this.mapped(path);
    await this.requireBelowRoots(path, local);
    return { path: local, dispose: async () => {} };
  }

  private mapped(path: string): string {
    for (const { from, to } of this.options.maps ?? []) {
      const folder = from.replace(/[\\/]+$/, '');
      const rest = path.slice(folder.length);
      // A folder's name must end where the other's does.
      if (path.startsWith(folder) && /^([\\/]|$)/.test(rest)) {
        // The scan may have come from a system with other separators.
        const parts = rest.split(/^[A-Za-z]:|^\\\\/.test(from) ? /[\\/]/ : '/');
        return resolve(to, ...parts.filter((part) => part !== ''));
      }
    }
    return path;
  }

  private async requireBelowRoots(path: string, local: string): Promise<void> {
    const { roots } = this.options;
    if (roots === undefined) return;
    // A link must not lead out. What does not exist is told by whoever opens it.
    const real = await realpath(local).catch(() => resolve(local));
    for (const root of roots) {
      const folder = await realpath(root).catch(() => resolve(root));
      if (real.startsWith(folder.endsWith(sep) ? folder : folder + sep)) return;
    }
    throw notAllowed(path, '--root');
  }

  private async fetch(url: string, before: string, signal?: AbortSignal): Promise<Located | 'unchanged'> {
    const address = this.address(url);
    const name = nameOfUrl(url);
    const abort = new AbortController();
    const onAbort = () => abort.abort();
    signal?.addEventListener('abort', onAbort, { once: true });
    let silence = setTimeout(onAbort, SILENCE_LIMIT_MS);
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(onAbort, SILENCE_LIMIT_MS);
    };
    let folder: string | undefined;
    try {
      // What a redirect leads to is not what the user has allowed.
      const headers: Record<string, string> = before === '' ? {} : { 'if-none-match': before };
      const response = await fetch(address, { signal: abort.signal, redirect: 'error', headers });
      if (response.status === 304) return 'unchanged';
      if (!response.ok || response.body === null) throw refused(name, response.status);
      folder = await mkdtemp(join(tmpdir(), 'deepfake-audio-worker-'));
      const path = join(folder, basename(new URL(address).pathname).slice(-100) || 'audio');
      const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
      body.on('data', heard);
      await pipeline(body, createWriteStream(path));
      const place = folder;
      const dispose = () => rm(place, { recursive: true, force: true });
      return { path, state: response.headers.get('etag') ?? undefined, dispose };
    } catch (error) {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
      if (error instanceof DeepfakeError || error instanceof PassingFailure) throw error;
      const reason = messageOf((error as Error).cause ?? error);
      throw new PassingFailure(`${name} could not be fetched (${reason})`, { cause: error });
    } finally {
      clearTimeout(silence);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** The address to fetch. Throws FileUnreadable for one that the worker was not told to fetch. */
  private address(url: string): string {
    const { s3, urls = [] } = this.options;
    if (/^s3:/i.test(url)) {
      if (s3 === undefined) throw notAllowed(url, '--s3');
      const key = url.slice('s3://'.length).split('/').map(encodeURIComponent).join('/');
      return `${s3.replace(/\/+$/, '')}/${key}`;
    }
    const { href } = new URL(url);
    if (!urls.some((start) => href.startsWith(start))) throw notAllowed(url, '--urls');
    return href;
  }
}

function notAllowed(path: string, option: string): DeepfakeError {
  const name = nameOfUrl(path);
  const message = `${name} is not among what the worker may read: start it with ${option} so that it may.`;
  return new DeepfakeError(ErrorCode.FileUnreadable, message, name);
}

function refused(name: string, status: number): Error {
  if (PASSING_STATUS.has(status)) return new PassingFailure(`${name} could not be fetched (HTTP ${status})`);
  const gone = status === 404 || status === 410;
  const message = gone
    ? `${name} does not exist: check the address.`
    : `${name} was refused by its server (HTTP ${status}): check the address and its signature.`;
  return new DeepfakeError(gone ? ErrorCode.FileNotFound : ErrorCode.FileUnreadable, message, name);
}
