import type { Config } from '@backstage/config';
import { createRequire } from 'node:module';
import path from 'node:path';
import { resolvePackage } from './installedPackages';
import type { Workspace } from './workspaces';

/** The configuration of the app, or why there is none. */
export type AppConfig =
  | { config: Config; problem?: undefined }
  | { config?: undefined; problem: ConfigProblem };

export interface ConfigProblem {
  /** `loader`: the app has nothing that could read it. */
  kind: 'loader' | 'content';
  message: string;
}

/** What the doctor calls of `@backstage/config-loader`. */
interface ConfigLoader {
  ConfigSources: {
    default(options: {
      argv: string[];
      rootDir: string;
      watch: boolean;
      env: Record<string, string | undefined>;
      substitutionFunc: (name: string) => Promise<string | undefined>;
    }): unknown;
    toConfig(source: unknown): Promise<Config & { close(): void }>;
  };
}

const LOADER = '@backstage/config-loader';

/** Reads it as the app's own backend does: with the same files, includes and variables. */
export async function readAppConfig(
  root: string,
  workspaces: Workspace[],
  configFiles: string[],
  env: Record<string, string | undefined>,
): Promise<AppConfig> {
  const directory = loaderDirectory(workspaces);
  if (directory === undefined) {
    const message = `${LOADER} is not installed in this app`;
    return { problem: { kind: 'loader', message } };
  }
  try {
    const { ConfigSources } = createRequire(
      path.join(directory, 'package.json'),
    )(directory) as ConfigLoader;
    const source = ConfigSources.default({
      argv: configFiles.flatMap(file => ['--config', file]),
      rootDir: root,
      watch: false,
      env,
      substitutionFunc: name => Promise.resolve(env[name]),
    });
    const config = await ConfigSources.toConfig(source);
    config.close();
    return { config };
  } catch (error) {
    return { problem: { kind: 'content', message: firstLine(error) } };
  }
}

/** Of a backend that has it only by way of `backend-defaults`, too. */
function loaderDirectory(workspaces: Workspace[]): string | undefined {
  for (const { directory } of workspaces) {
    const defaults = resolvePackage(directory, '@backstage/backend-defaults');
    for (const dependent of [directory, ...(defaults ? [defaults] : [])]) {
      const found = resolvePackage(dependent, LOADER);
      if (found !== undefined) {
        return found;
      }
    }
  }
  return undefined;
}

/** The lines after it show the file, with whatever secrets it holds. */
function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n')[0].replace(/:$/, '');
}
