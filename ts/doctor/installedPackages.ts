import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { AppFiles } from './AppFiles';
import { type Manifest, readManifest } from './Manifest';
import type { Workspace } from './workspaces';

/** One installed copy of a package. */
export interface InstalledPackage {
  name: string;
  version: string;
  /** Where it really is, links followed. */
  directory: string;
  manifest: Manifest;
}

/** Every package that the app's own reach through their dependencies, as Node would find them. */
export function findInstalledPackages(
  files: AppFiles,
  workspaces: Workspace[],
): InstalledPackage[] {
  const found = new Map<string, InstalledPackage>();
  const waiting: Workspace[] = [...workspaces];
  const own = new Set(workspaces.map(({ directory }) => directory));
  for (const dependent of waiting) {
    const { directory, manifest } = dependent;
    for (const name of dependencies(manifest, own.has(directory))) {
      const installed = resolvePackage(directory, name);
      if (!installed || found.has(installed) || own.has(installed)) {
        continue;
      }
      const theirs = readManifest(files, path.join(installed, 'package.json'));
      if (theirs) {
        const version = theirs.version ?? 'of unknown version';
        const copy = { name, version, directory: installed, manifest: theirs };
        found.set(installed, copy);
        waiting.push(copy);
      }
    }
  }
  return [...found.values()];
}

/** Where Node finds a package when a file of this folder asks for it. */
export function resolvePackage(
  directory: string,
  name: string,
): string | undefined {
  const installed = path.join(directory, 'node_modules', name);
  if (existsSync(path.join(installed, 'package.json'))) {
    return realpathSync(installed);
  }
  const parent = path.dirname(directory);
  return parent === directory ? undefined : resolvePackage(parent, name);
}

function dependencies(manifest: Manifest, isOwn: boolean): string[] {
  return Object.keys({
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies,
    ...(isOwn ? manifest.devDependencies : {}),
  });
}
