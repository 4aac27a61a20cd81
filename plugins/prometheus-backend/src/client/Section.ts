import type { Config } from '@backstage/config';

/** A part of the configuration, and where it is. */
export interface Section {
  config: Config;
  path: string;
}

/** A part of the part, if it is there. */
export function section(
  { config, path }: Section,
  key: string,
): Section | undefined {
  const inner = config.getOptionalConfig(key);
  return inner && { config: inner, path: `${path}.${key}` };
}

/** @throws Error naming the path, what was found and what is allowed */
export function readOneOf<T extends string>(
  at: Section,
  key: string,
  known: T[],
): T | undefined {
  const value = at.config.getOptionalString(key);
  return value === undefined || known.includes(value as T)
    ? (value as T | undefined)
    : fail(at, key, `is "${value}" and none of ${known.join(', ')}`);
}

/** @throws Error naming the path */
export function fail({ path }: Section, key: string, problem: string): never {
  throw new Error(`${path}.${key} ${problem}`);
}
