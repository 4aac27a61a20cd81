import path from 'node:path';
import type { AppFiles } from './AppFiles';
import { type Manifest, workspacePatterns } from './Manifest';

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
  for (const directory of new Set(directories)) {
    const manifest = files.json<Manifest>(path.join(directory, 'package.json'));
    if (manifest) {
      found.push({ directory, manifest });
    }
  }
  return found;
}

/** The folders that a pattern such as `plugins/*` stands for. */
function expand(files: AppFiles, pattern: string): string[] {
  const segments = pattern
    .split('/')
    .filter(segment => segment !== '' && segment !== '.');
  return segments.reduce(
    (directories, segment) =>
      directories.flatMap(directory => step(files, directory, segment)),
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
  const [head, ...tail] = segment.split('*').map(escapeRegExp);
  const matches = new RegExp(`^${[head, ...tail].join('.*')}$`);
  return folders(files, directory).filter(child =>
    matches.test(path.basename(child)),
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

function escapeRegExp(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
}
