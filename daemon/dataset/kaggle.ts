import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import { writeError } from '../files.ts';
import { withFolderLock } from '../folderLock.ts';
import { userCacheFolder } from '../paths.ts';
import { requireDiskSpace } from './diskSpace.ts';
import { HOW_TO_GET_A_TOKEN, kaggleAuthorization } from './kaggleCredentials.ts';
import { kagglehubCopy } from './kagglehubCache.ts';
import { attachedDataset } from './kaggleInput.ts';
import { download } from './resumableDownload.ts';
import { unpackZip } from './unpackZip.ts';

/** Fake-or-Real as Kaggle names it: owner and slug. */
const KAGGLE_DATASET = 'mohammedabdeldayem/the-fake-or-real-dataset';

const DEFAULT_ENDPOINT = 'https://www.kaggle.com';
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const UNPACKING = 'unpacking-';

export interface KaggleOptions {
  onProgress?: (progress: KaggleProgress) => void;
  /** Called before the wait for another attempt at the download. */
  onRetry?: (reason: string, seconds: number) => void;
  /** Aborting keeps what was downloaded. */
  signal?: AbortSignal;
  /** Default: the environment's DEEPFAKE_AUDIO_DATASETS, else the user's cache folder. */
  cacheFolder?: string;
  /** Milliseconds before further attempts at the download. */
  retryDelays?: readonly number[];
}

export interface KaggleProgress {
  stage: 'downloading' | 'unpacking';
  /** Bytes. */
  done: number;
  total: number;
}

/**
 * A folder with Fake-or-Real: the one attached to a Kaggle notebook, one downloaded before, by kagglehub too, or a fresh download from Kaggle's
 * public API.
 * Throws DeepfakeError DatasetNotFound, DownloadRefused, DownloadFailed, ArchiveInvalid, WriteFailed or Cancelled.
 */
export async function kaggleDataset(options: KaggleOptions = {}): Promise<string> {
  const present = (await attachedDataset(KAGGLE_DATASET)) ?? (await kagglehubCopy(KAGGLE_DATASET));
  if (present !== undefined) return present;
  const cache = options.cacheFolder ?? (process.env.DEEPFAKE_AUDIO_DATASETS || userCacheFolder);
  const folder = join(cache, 'kaggle', ...KAGGLE_DATASET.split('/'));
  const unpacked = join(folder, 'unpacked');
  const files = join(unpacked, 'files');
  // The folder gets its name when everything is in it; the marker came last.
  const isComplete = () => exists(join(unpacked, 'complete.json'));
  if (await isComplete()) return files;
  try {
    await mkdir(folder, { recursive: true });
    await withFolderLock(folder, 'is downloading the same data set', async () => {
      // Another process may have been at it until now.
      if (!(await isComplete())) await fetchInto(folder, unpacked, options);
    });
  } catch (error) {
    throw writeError(error, folder) ?? error;
  }
  return files;
}

async function fetchInto(folder: string, unpacked: string, options: KaggleOptions): Promise<void> {
  const { onProgress, signal } = options;
  const archive = join(folder, 'archive.zip');
  for (const name of await readdir(folder)) {
    if (name.startsWith(UNPACKING)) await rm(join(folder, name), { recursive: true });
  }
  if (!(await exists(archive))) {
    await download({
      url: downloadUrl(),
      authorization: await kaggleAuthorization(),
      file: archive,
      refusal,
      // Sound hardly shrinks in an archive, so the files will take about as much again.
      onSize: (total, missing) => requireDiskSpace(folder, missing + total, 'the data set'),
      onProgress: (done, total) => onProgress?.({ stage: 'downloading', done, total }),
      onRetry: options.onRetry,
      signal,
      retryDelays: options.retryDelays,
    });
  }
  const temporary = join(folder, `${UNPACKING}${process.pid}`);
  try {
    await mkdir(join(temporary, 'files'), { recursive: true });
    await unpackZip(archive, join(temporary, 'files'), {
      onSize: (bytes) => requireDiskSpace(folder, bytes, 'the unpacked data set'),
      onProgress: (done, total) => onProgress?.({ stage: 'unpacking', done, total }),
      signal,
    });
    const { size } = await stat(archive);
    await writeFile(
      join(temporary, 'complete.json'),
      `${JSON.stringify({ dataset: KAGGLE_DATASET, archive_bytes: size })}\n`,
    );
    await rm(unpacked, { recursive: true, force: true });
    await rename(temporary, unpacked);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (!(error instanceof DeepfakeError) || error.code !== ErrorCode.ArchiveInvalid) throw error;
    // The next run has to download it anew.
    await rm(archive, { force: true });
    throw new DeepfakeError(
      error.code,
      `${messageOf(error)} It was deleted: run the same command again to download it anew.`,
      archive,
      { cause: error },
    );
  }
  await rm(archive, { force: true });
}

/** The address of the archive; the environment's KAGGLE_API_ENDPOINT replaces Kaggle's host, as in Kaggle's own programs. */
function downloadUrl(): URL {
  const endpoint = process.env.KAGGLE_API_ENDPOINT || DEFAULT_ENDPOINT;
  const url = URL.canParse(endpoint)
    ? new URL(`/api/v1/datasets/download/${KAGGLE_DATASET}`, endpoint)
    : undefined;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.includes(url.hostname)))
    return url;
  throw new DeepfakeError(
    ErrorCode.InvalidArguments,
    `KAGGLE_API_ENDPOINT is ${endpoint}: it must begin with https:// so that the token is not sent in the clear.`,
  );
}

function refusal(status: number): DeepfakeError | undefined {
  const page = `https://www.kaggle.com/datasets/${KAGGLE_DATASET}`;
  switch (status) {
    case 401:
      return new DeepfakeError(
        ErrorCode.DownloadRefused,
        `Kaggle does not know the token (401): ${HOW_TO_GET_A_TOKEN}.`,
      );
    case 403:
      return new DeepfakeError(
        ErrorCode.DownloadRefused,
        `Kaggle does not let this account download ${KAGGLE_DATASET} (403): open ${page} while logged in, accept what it asks for, and check the token.`,
      );
    case 404:
      return new DeepfakeError(
        ErrorCode.DatasetNotFound,
        `Kaggle has no data set ${KAGGLE_DATASET} any more (404): see ${page}, or give a folder with --data-root.`,
      );
    default:
      return undefined;
  }
}

const exists = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined)) !== undefined;
