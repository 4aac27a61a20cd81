import path from 'node:path';
import type { AppFiles } from './AppFiles';
import type { Launcher } from './Launcher';
import { readSource, type SourceFile } from './SourceFile';

/** Code that sets up OpenTelemetry, and what starts Node with it. */
export interface InstrumentationFile {
  source: SourceFile;
  launchers: Launcher[];
}

const NAMED = /^instrumentation\.[cm]?[jt]s$/;
const SETS_UP = /\bnew\s+(NodeSDK|MeterProvider)\b/;

/** Files that are preloaded, that are called `instrumentation`, or that make an SDK. */
export function findInstrumentationFiles(
  files: AppFiles,
  launchers: Launcher[],
  backendSources: SourceFile[],
): InstrumentationFile[] {
  const found = new Map<string, InstrumentationFile>();
  for (const launcher of launchers) {
    for (const preload of launcher.preloads) {
      const source = preloadedFile(files, launcher, preload);
      if (source) {
        const known = found.get(source.path) ?? { source, launchers: [] };
        known.launchers.push(launcher);
        found.set(source.path, known);
      }
    }
  }
  for (const source of backendSources) {
    const isOne =
      NAMED.test(path.basename(source.path)) || SETS_UP.test(source.text);
    if (isOne && !found.has(source.path)) {
      found.set(source.path, { source, launchers: [] });
    }
  }
  return [...found.values()];
}

/** Packages are not the app's own to change. */
export function isOwnFile(preload: string): boolean {
  return preload.startsWith('.') || path.isAbsolute(preload);
}

function preloadedFile(
  files: AppFiles,
  { directories }: Launcher,
  preload: string,
): SourceFile | undefined {
  if (!isOwnFile(preload)) {
    return undefined;
  }
  const file = directories
    .flatMap(directory => {
      const at = path.resolve(directory, preload);
      return [at, `${at}.js`, `${at}.cjs`, `${at}.ts`];
    })
    .find(candidate => files.isFile(candidate));
  return file === undefined ? undefined : readSource(files, file);
}
