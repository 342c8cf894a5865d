import { createHash } from 'node:crypto';
import { constants, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import { distFile, userCacheFolder } from '../paths.ts';
import { FeatureStore, INDEX, VALUES } from './featureStore.ts';

export const DEFAULT_CACHE_GIGABYTES = 20;
/** In the user's cache folder, or where the environment says. */
export const defaultCacheFolder = (): string =>
  process.env.DEEPFAKE_AUDIO_FEATURE_CACHE || join(userCacheFolder, 'features');

/** A pack that no run has used for this long goes. */
const LONGEST_UNUSED_MS = 30 * 24 * 3600 * 1000;
/** Only what is named like this is ever deleted. */
const PROFILE_NAME = /^[0-9a-f]{40}$/;
const PACK_NAME = /^([0-9a-f]{12,}-[0-9a-f]{8})(\.f32|\.index)$/;

/**
 * Features of training clips that outlive the run: a folder per profile (what is computed, with which settings, by which version
 * of the analysis), in it the packs that runs have written. The packs that have not been used for longest are deleted when
 * together they are larger than the limit; those of the run that is under way stay.
 */
export class FeatureCache {
  /** Packs of this run, without extension. */
  private readonly used = new Set<string>();

  private constructor(
    readonly folder: string,
    private readonly limit: number,
  ) {}

  /** Makes the folder where needed. Throws StoreUnusable. */
  static async open(folder: string, gigabytes = DEFAULT_CACHE_GIGABYTES): Promise<FeatureCache> {
    try {
      await mkdir(folder, { recursive: true });
      await access(folder, constants.R_OK | constants.W_OK);
    } catch (cause) {
      const message = `Features cannot be kept in ${folder} (${messageOf(cause)}): name another folder with --feature-cache, or use --no-feature-cache.`;
      throw new DeepfakeError(ErrorCode.StoreUnusable, message, folder, { cause });
    }
    return new FeatureCache(folder, gigabytes * 1e9);
  }

  /** What is stored under a profile: everything but the file's content that the values depend on. */
  async store(profile: unknown): Promise<FeatureStore> {
    const facts = JSON.stringify([analysisVersion(), profile]);
    const name = createHash('sha256').update(facts).digest('hex').slice(0, 40);
    return FeatureStore.open({
      path: join(this.folder, name),
      onUse: (pack) => this.used.add(pack),
      makeRoom: () => this.shrink(0) > 0,
    });
  }

  /** Deletes packs until the limit is kept or only those of this run are left. Returns how many. */
  shrink(limit = this.limit): number {
    const packs = this.packs().sort((a, b) => a.lastUse - b.lastUse);
    let total = packs.reduce((sum, { bytes }) => sum + bytes, 0);
    let deleted = 0;
    for (const { path, bytes, lastUse } of packs) {
      const old = lastUse < Date.now() - LONGEST_UNUSED_MS;
      if (this.used.has(path) || (total <= limit && !old)) continue;
      // Another process that reads the pack keeps it open until it is done.
      for (const extension of [INDEX, VALUES]) rmSync(path + extension, { force: true });
      total -= bytes;
      deleted++;
    }
    return deleted;
  }

  private packs(): { path: string; bytes: number; lastUse: number }[] {
    const packs = new Map<string, { path: string; bytes: number; lastUse: number }>();
    for (const profile of readdirSync(this.folder).filter((name) => PROFILE_NAME.test(name))) {
      const folder = join(this.folder, profile);
      const names = readdirSync(folder);
      if (names.length === 0) removeEmpty(folder);
      for (const name of names) {
        const pack = PACK_NAME.exec(name)?.[1];
        const state = statSync(join(folder, name), { throwIfNoEntry: false });
        if (pack === undefined || state === undefined) continue;
        const path = join(folder, pack);
        const { bytes = 0, lastUse = 0 } = packs.get(path) ?? {};
        const latest = Math.max(lastUse, state.mtimeMs);
        packs.set(path, { path, bytes: bytes + state.size, lastUse: latest });
      }
    }
    return [...packs.values()];
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Another process has just begun a pack there.
  }
}

/** Changes with the code that reads and analyses sound: the build names its parts by their content. */
function analysisVersion(): string {
  return createHash('sha256')
    .update(readFileSync(distFile('analysisWorker.js')))
    .digest('hex');
}

/**
 * The cache that a run asks for: a folder, false for none, undefined for the usual place. The usual place may be out of order, and
 * a run must go on without it (`warn` is told); throws StoreUnusable where a folder was named.
 */
export async function openFeatureCache(
  where: string | false | undefined,
  gigabytes: number | undefined,
  warn: (message: string) => void,
): Promise<FeatureCache | undefined> {
  if (where === false) return undefined;
  if (where !== undefined) return FeatureCache.open(resolve(where), gigabytes);
  try {
    return await FeatureCache.open(resolve(defaultCacheFolder()), gigabytes);
  } catch (error) {
    warn(messageOf(error));
    return undefined;
  }
}
