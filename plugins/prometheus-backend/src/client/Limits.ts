import { type Config, readDurationFromConfig } from '@backstage/config';
import { durationToMilliseconds } from '@backstage/types';
import { MAX_POINTS } from '@nativestage/backstage-plugin-prometheus-common';

const PATH = 'prometheus.limits';

/** What a request may cost. */
export interface Limits {
  /** Seconds between start and end. */
  maxRange: number;
  /** Of one series. */
  maxPoints: number;
  /** Of one answer; what is more is not read, and the answer says so. */
  maxSeries: number;
  /** Of one answer, after decompression. */
  maxBytes: number;
  /** Milliseconds for one request, with all that it waits for. */
  timeout: number;
  /** Queries of one user that run at once. */
  perUser: number;
  /** Queries to one instance that run at once, and connections to it. */
  perInstance: number;
  /** Queries that wait, for each user and each instance; more are refused. */
  queue: number;
  /** Answers that are kept. */
  cacheEntries: number;
  /** How much memory they take, texts by their length. */
  cacheBytes: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxRange: 31 * 24 * 3600,
  maxPoints: MAX_POINTS,
  maxSeries: 500,
  maxBytes: 32 * 2 ** 20,
  timeout: 15_000,
  perUser: 8,
  perInstance: 16,
  queue: 100,
  cacheEntries: 1000,
  cacheBytes: 64 * 2 ** 20,
};

/** Milliseconds of the unit that a limit is kept in. */
const DURATIONS = { maxRange: 1000, timeout: 1 } as const;

/**
 * Prometheus' own limit is the most; fewer than 3 points are no line. A longer timer than 24.8 days
 * fires at once.
 */
const RANGES: Partial<Record<keyof Limits, [least: number, most: number]>> = {
  maxPoints: [3, MAX_POINTS],
  timeout: [1, 2 ** 31 - 1],
  queue: [0, Infinity],
  cacheEntries: [0, Infinity],
  cacheBytes: [0, Infinity],
};

/**
 * Reads `prometheus.limits`; what it lacks is as in {@link DEFAULT_LIMITS}.
 *
 * @throws Error that names the path of what is wrong
 */
export function readLimits(config: Config): Limits {
  const known = Object.keys(DEFAULT_LIMITS) as (keyof Limits)[];
  const unknown = config
    .getOptionalConfig(PATH)
    ?.keys()
    .find(key => !known.includes(key as keyof Limits));
  if (unknown !== undefined) {
    throw new Error(`${PATH}.${unknown} is none of ${known.join(', ')}`);
  }
  return Object.fromEntries(
    known.map(key => [key, readLimit(config, key)]),
  ) as unknown as Limits;
}

function readLimit(config: Config, key: keyof Limits): number {
  const path = `${PATH}.${key}`;
  if (!config.has(path)) {
    return DEFAULT_LIMITS[key];
  }
  const value =
    key === 'maxRange' || key === 'timeout'
      ? durationToMilliseconds(readDurationFromConfig(config, { key: path })) /
        DURATIONS[key]
      : config.getNumber(path);
  const [least, most] = RANGES[key] ?? [1, Infinity];
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(
      `${path} is ${value}; it has to be a whole number from ${least}${most === Infinity ? '' : ` to ${most}`}`,
    );
  }
  return value;
}
