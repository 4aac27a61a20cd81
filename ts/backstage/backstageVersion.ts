import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { log } from '../common/log';
import { textOf } from '../common/text';

/** The app's Backstage release, from the `backstage.json` at or above the working directory. */
export function backstageVersion(
  directory: string = process.cwd(),
): string | undefined {
  const file = join(directory, 'backstage.json');
  if (existsSync(file)) {
    try {
      const { version } = JSON.parse(readFileSync(file, 'utf8')) as {
        version?: unknown;
      };
      return typeof version === 'string' ? version : undefined;
    } catch (error) {
      log(
        'warn',
        `${file} cannot be read, service.version is left out: ${textOf(error)}`,
      );
      return undefined;
    }
  }
  const parent = dirname(directory);
  return parent === directory ? undefined : backstageVersion(parent);
}
