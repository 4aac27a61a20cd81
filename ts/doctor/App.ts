import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { MetricsOptions } from '../options/options';
import { type AppConfig, readAppConfig } from './AppConfig';
import { AppFiles } from './AppFiles';
import {
  findInstalledPackages,
  type InstalledPackage,
} from './installedPackages';
import {
  findInstrumentationFiles,
  type InstrumentationFile,
} from './InstrumentationFile';
import { declaredFile } from './DeclaredFile';
import { findLaunchers, type Launcher } from './Launcher';
import { readOwnManifest } from './Manifest';
import { type MetricsPage, readMetricsPage } from './MetricsPage';
import { type PageSettings, pageSettings, pageUrl } from './PageSettings';
import { readSources, type SourceFile } from './SourceFile';
import { findWorkspaces, type Workspace } from './workspaces';

type Environment = Record<string, string | undefined>;

/** A package of the app with its code. */
export interface AppPackage extends Workspace {
  name: string;
  sources: SourceFile[];
}

/** A Backstage app as the checks see it. All that they need was read, and nothing of it is changed. */
export interface App {
  root: string;
  files: AppFiles;
  nodeVersion: string;
  environment: Environment;
  packages: AppPackage[];
  /** Those with the role `backend`. */
  backends: AppPackage[];
  /** Yarn's Plug'n'Play: there are no installed packages to look at. */
  isPlugAndPlay: boolean;
  installed: InstalledPackage[];
  launchers: Launcher[];
  instrumentation: InstrumentationFile[];
  appConfig: AppConfig;
  /** The files that it comes from, as findings name them. */
  configFiles: string;
  /** `backend.metrics`, unchecked; empty where the configuration could not be read. */
  options: MetricsOptions;
  /** Why `backend.metrics` could not even be taken out of the configuration. */
  optionsProblem?: string;
  /** Where the page is by the configuration; `undefined` where that is unknown or it is off. */
  page?: PageSettings;
  /** What answers at the URL that was asked for, else at the configured one. */
  live?: { url: string; isAskedFor: boolean; answer: MetricsPage };
}

export interface AppOptions {
  directory: string;
  configFiles?: string[];
  url?: string;
  environment?: Environment;
  nodeVersion?: string;
}

/** There is no app to look at. */
export class NoAppError extends Error {}

/**
 * Reads the app that a folder belongs to.
 *
 * @throws NoAppError
 */
export async function openApp(given: AppOptions): Promise<App> {
  const environment = given.environment ?? process.env;
  const root = findRoot(path.resolve(given.directory));
  const files = new AppFiles(root);
  const manifest = readOwnManifest(files, path.join(root, 'package.json'));
  if (!manifest) {
    const reason = files.unreadable[0]?.reason ?? 'missing';
    throw new NoAppError(`${path.join(root, 'package.json')}: ${reason}`);
  }
  const workspaces = findWorkspaces(files, manifest);
  const configuration = await readConfiguration(
    files,
    workspaces,
    (given.configFiles ?? []).map(file => locate(given.directory, file)),
    environment,
  );
  return {
    root,
    files,
    nodeVersion: given.nodeVersion ?? process.versions.node,
    environment,
    ...readCode(files, workspaces),
    ...readDependencies(files, workspaces),
    ...configuration,
    live: await readLive(given.url, configuration.page, environment),
  };
}

/** The nearest folder above with `backstage.json` or workspaces, else with a package.json. */
function findRoot(start: string): string {
  let nearest: string | undefined;
  for (let at = start; ; at = path.dirname(at)) {
    const hasManifest = existsSync(path.join(at, 'package.json'));
    if (hasManifest && isRoot(at)) {
      return realpathSync(at);
    }
    nearest ??= hasManifest ? at : undefined;
    if (path.dirname(at) === at) {
      break;
    }
  }
  if (nearest === undefined) {
    throw new NoAppError(`there is no package.json in ${start} or above it`);
  }
  return realpathSync(nearest);
}

function isRoot(directory: string): boolean {
  const files = new AppFiles(directory);
  return (
    existsSync(path.join(directory, 'backstage.json')) ||
    files.json(path.join(directory, 'package.json'))?.workspaces !== undefined
  );
}

function readCode(
  files: AppFiles,
  workspaces: Workspace[],
): Pick<App, 'packages' | 'backends' | 'launchers' | 'instrumentation'> {
  const packages = readPackages(files, workspaces);
  const backends = packages.filter(isBackend);
  const launchers = findLaunchers(files, workspaces);
  const sources = backends.flatMap(backend => backend.sources);
  return {
    packages,
    backends,
    launchers,
    instrumentation: findInstrumentationFiles(files, launchers, sources),
  };
}

function isBackend({ manifest }: Workspace): boolean {
  return manifest.backstage?.role === 'backend';
}

/** Of a root with workspaces the code is theirs: what else lies there is no part of a backend. */
function readPackages(
  files: AppFiles,
  [root, ...workspaces]: Workspace[],
): AppPackage[] {
  const directories = new Set(workspaces.map(({ directory }) => directory));
  return [root, ...workspaces].map(workspace => ({
    ...workspace,
    name: workspace.manifest.name ?? files.name(workspace.directory),
    sources:
      workspace === root && workspaces.length > 0
        ? []
        : readSources(files, workspace, directories),
  }));
}

function readDependencies(
  files: AppFiles,
  workspaces: Workspace[],
): Pick<App, 'isPlugAndPlay' | 'installed'> {
  const isPlugAndPlay = existsSync(path.join(files.root, '.pnp.cjs'));
  return {
    isPlugAndPlay,
    installed: isPlugAndPlay ? [] : findInstalledPackages(files, workspaces),
  };
}

async function readConfiguration(
  files: AppFiles,
  workspaces: Workspace[],
  given: string[],
  environment: Environment,
): Promise<
  Pick<App, 'appConfig' | 'configFiles' | 'options' | 'optionsProblem' | 'page'>
> {
  // The backend's own loader, where several are installed.
  const dependents = [...workspaces.filter(isBackend), ...workspaces];
  const appConfig = await readAppConfig(
    files.root,
    dependents,
    given,
    environment,
  );
  const { options, optionsProblem } = await readOptions(appConfig);
  const declared = await declaredFile(environment, [
    files.root,
    ...workspaces.filter(isBackend).map(({ directory }) => directory),
  ]);
  // A file that cannot be read here may say anything of the page.
  const isKnown =
    appConfig.config &&
    optionsProblem === undefined &&
    (declared === undefined || declared.state === 'read');
  return {
    appConfig,
    configFiles: nameConfigFiles(files, given),
    options,
    optionsProblem,
    page: isKnown ? pageSettings(options, environment, declared) : undefined,
  };
}

/** A configuration may be on the web. */
function locate(directory: string, file: string): string {
  return /^https?:/.test(file) ? file : path.resolve(directory, file);
}

/** Without any given, Backstage reads two of the root. */
function nameConfigFiles(files: AppFiles, given: string[]): string {
  if (given.length > 0) {
    return given
      .map(file => (path.isAbsolute(file) ? files.name(file) : file))
      .join(', ');
  }
  const local = 'app-config.local.yaml';
  return files.isFile(path.join(files.root, local))
    ? `app-config.yaml, ${local}`
    : 'app-config.yaml';
}

async function readOptions({
  config,
}: AppConfig): Promise<Pick<App, 'options' | 'optionsProblem'>> {
  if (!config) {
    return { options: {} };
  }
  try {
    const { readMetricsConfig } =
      await import('../provider/readMetricsConfig.js');
    return { options: readMetricsConfig(config) };
  } catch (error) {
    return { options: {}, optionsProblem: (error as Error).message };
  }
}

async function readLive(
  askedFor: string | undefined,
  page: PageSettings | undefined,
  { METRICS_TOKEN }: Environment,
): Promise<App['live']> {
  const isServed = page?.server === true && page.port !== 0;
  const url = askedFor ?? (isServed ? pageUrl(page) : undefined);
  if (url === undefined) {
    return undefined;
  }
  const answer = await readMetricsPage(
    url,
    METRICS_TOKEN?.trim() || page?.token,
  );
  return { url, isAskedFor: askedFor !== undefined, answer };
}
