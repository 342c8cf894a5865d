import { Redis } from 'ioredis';
import { DeepfakeError, ErrorCode, messageOf } from '../../../shared/errors.ts';

const CONNECT_LIMIT_MS = 10_000;
const LONGEST_PAUSE_MS = 2_000;

/**
 * A connection to Redis or Valkey that comes back by itself after it was lost; `warn` is told of both. Throws InvalidArguments,
 * and QueueUnusable where there is no answer now.
 */
export async function connectRedis(url: string, warn: (message: string) => void): Promise<Redis> {
  const address = shownAddress(url);
  let connected = false;
  let failure: unknown;
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    connectTimeout: CONNECT_LIMIT_MS,
    retryStrategy: (times) => (connected ? Math.min(100 * times, LONGEST_PAUSE_MS) : null),
  });
  redis.on('error', (error) => {
    failure = error;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    const message = `The queue at ${address} cannot be used (${messageOf(failure ?? error)}): start Redis or Valkey there, or correct the address.`;
    throw new DeepfakeError(ErrorCode.QueueUnusable, message, undefined, { cause: error });
  }
  connected = true;
  let lost = false;
  redis.on('close', () => {
    // It closes once more after each attempt, and when we are done with it.
    if (lost || redis.status === 'end' || !connected) return;
    lost = true;
    warn(`The queue at ${address} does not answer; it is waited for.`);
  });
  redis.on('ready', () => {
    if (lost) warn(`The queue at ${address} answers again.`);
    lost = false;
  });
  return redis;
}

/** A queue's address without its password. Throws InvalidArguments for what is no address of a queue. */
export function shownAddress(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^rediss?:$/.test(parsed.protocol))
    throw new DeepfakeError(
      ErrorCode.InvalidArguments,
      'That is no address of a queue: give one like redis://HOST:6379, or rediss://… for an encrypted connection.',
    );
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}
