import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';

export const HOW_TO_GET_A_TOKEN =
  'create a token at https://www.kaggle.com/settings/api and put it into the environment variable KAGGLE_API_TOKEN or into ' +
  '~/.kaggle/access_token, or use a kaggle.json (KAGGLE_USERNAME and KAGGLE_KEY, or ~/.kaggle/kaggle.json)';

/**
 * The Authorization header for Kaggle's API, from where Kaggle's own programs look: environment first, then the folder KAGGLE_CONFIG_DIR or
 * ~/.kaggle. Throws DeepfakeError DownloadRefused where there is no token or kaggle.json is not what it should be.
 */
export async function kaggleAuthorization(): Promise<string> {
  const { KAGGLE_API_TOKEN, KAGGLE_USERNAME, KAGGLE_KEY, KAGGLE_CONFIG_DIR } = process.env;
  if (KAGGLE_API_TOKEN) return bearer(KAGGLE_API_TOKEN);
  if (KAGGLE_USERNAME && KAGGLE_KEY) return basic(KAGGLE_USERNAME, KAGGLE_KEY);
  const folder = KAGGLE_CONFIG_DIR || join(homedir(), '.kaggle');
  const token = await readIfThere(join(folder, 'access_token'));
  if (token?.trim()) return bearer(token);
  const file = join(folder, 'kaggle.json');
  const text = await readIfThere(file);
  if (text === undefined) {
    throw new DeepfakeError(ErrorCode.DownloadRefused, `There is no Kaggle token: ${HOW_TO_GET_A_TOKEN}.`);
  }
  const { username, key } = parsed(text);
  if (typeof username !== 'string' || typeof key !== 'string') {
    throw new DeepfakeError(
      ErrorCode.DownloadRefused,
      `${file} is not a Kaggle token with "username" and "key": ${HOW_TO_GET_A_TOKEN}.`,
      file,
    );
  }
  return basic(username, key);
}

const bearer = (token: string): string => `Bearer ${token.trim()}`;

const basic = (username: string, key: string): string =>
  `Basic ${Buffer.from(`${username.trim()}:${key.trim()}`).toString('base64')}`;

const readIfThere = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').catch(() => undefined);

function parsed(text: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(text) };
  } catch {
    return {};
  }
}
