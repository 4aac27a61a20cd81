import { realpathSync } from 'node:fs';
import path from 'node:path';
import type { AppFiles } from './AppFiles';
import { type Manifest, readOwnManifest, workspacePatterns } from './Manifest';

/** A package of the app itself: the root or a workspace. */
export interface Workspace {
  directory: string;
  manifest: Manifest;
}

/** Folders that hold nothing that an author wrote for the backend to run. */
export const SKIPPED = new Set([
  'node_modules',
  'dist',
  'dist-types',
  'coverage',
  '__tests__',
  '__mocks__',
  '__fixtures__',
]);

/** The root, then its workspaces in the order of their patterns. */
export function findWorkspaces(files: AppFiles, root: Manifest): Workspace[] {
  const patterns = workspacePatterns(root);
  const excluded = new Set(
    patterns
      .filter(pattern => pattern.startsWith('!'))
      .flatMap(pattern => expand(files, pattern.slice(1))),
  );
  const directories = patterns
    .filter(pattern => !pattern.startsWith('!'))
    .flatMap(pattern => expand(files, pattern))
    .filter(directory => !excluded.has(directory) && directory !== files.root);
  const found: Workspace[] = [{ directory: files.root, manifest: root }];
  const seen = new Set([files.root]);
  for (const directory of new Set(directories)) {
    const manifest = readOwnManifest(
      files,
      path.join(directory, 'package.json'),
    );
    // A link may lead to the root, or to what is listed already.
    const real = manifest && realpathSync(directory);
    if (manifest && !seen.has(real!)) {
      seen.add(real!);
      found.push({ directory, manifest });
    }
  }
  return found;
}

/** The folders that a pattern such as `plugins/*` stands for. */
function expand(files: AppFiles, pattern: string): string[] {
  const segments = pattern
    .split('/')
    .filter(segment => segment !== '' && segment !== '.')
    // Several of them in a row say no more than one.
    .filter(
      (segment, index, all) => segment !== '**' || all[index - 1] !== '**',
    );
  return segments.reduce<string[]>(
    (directories, segment) => {
      const found = directories.flatMap(directory =>
        step(files, directory, segment),
      );
      return [...new Set(found)];
    },
    [files.root],
  );
}

function step(files: AppFiles, directory: string, segment: string): string[] {
  if (segment === '**') {
    const below = folders(files, directory);
    return [directory, ...below.flatMap(child => step(files, child, '**'))];
  }
  if (!segment.includes('*')) {
    return [path.join(directory, segment)];
  }
  return folders(files, directory).filter(child =>
    matches(path.basename(child), segment),
  );
}

/** By the parts between the stars, each at its first place: a regular expression tries them all. */
function matches(name: string, pattern: string): boolean {
  const [head, ...parts] = pattern.split('*');
  const tail = parts.pop()!;
  let at = head.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found < 0) {
      return false;
    }
    at = found + part.length;
  }
  return (
    name.startsWith(head) &&
    name.endsWith(tail) &&
    at + tail.length <= name.length
  );
}

function folders(files: AppFiles, directory: string): string[] {
  return files
    .entries(directory)
    .filter(
      entry =>
        entry.isDirectory() &&
        !SKIPPED.has(entry.name) &&
        !entry.name.startsWith('.'),
    )
    .map(entry => path.join(directory, entry.name));
}
