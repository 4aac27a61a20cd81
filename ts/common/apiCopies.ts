import { readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/** The version that was resolved, not the one compiled against. */
export function apiVersion(): string {
  const root = packageRoot(require.resolve('@opentelemetry/api'));
  return (root && versionOf(root)) ?? 'of unknown version';
}

/** Where the loaded copies of the API are, each with its version. */
export function apiCopies(): string[] {
  const roots = new Set(
    Object.keys(require.cache)
      .map(packageRoot)
      .filter(root => root !== undefined),
  );
  return [...roots].map(root => `${root} (${versionOf(root) ?? 'unknown'})`);
}

/** The folder of the copy of the API that a file belongs to. */
function packageRoot(file: string): string | undefined {
  const marker = `${sep}@opentelemetry${sep}api${sep}`;
  const at = file.lastIndexOf(marker);
  return at < 0 ? undefined : file.slice(0, at + marker.length - 1);
}

/** Read as a file: the package's `exports` do not let `require` have its package.json. */
function versionOf(root: string): string | undefined {
  try {
    const manifest = readFileSync(join(root, 'package.json'), 'utf8');
    return (JSON.parse(manifest) as { version: string }).version;
  } catch {
    return undefined;
  }
}
