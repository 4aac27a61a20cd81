import { readFileSync } from 'node:fs';
import path from 'node:path';

/** What starts the features of a backend. */
const STARTER =
  /^(.*[\\/]node_modules[\\/]@backstage[\\/]backend-app-api)[\\/]/;

/** Of Backstage 1.49, the first that starts plugins as `backend-plugin-api` 1.8 makes them. */
const OLDEST = [1, 6, 0];

/**
 * An older Backstage has no metrics service, and would end with `Invalid registration type
 * 'plugin-v1.1'` where the page is on the backend's port.
 *
 * @param files - The modules that the process has loaded. Without a backend among them all is well.
 * @throws Error that names what to upgrade
 */
export function assertBackstage(files = Object.keys(require.cache)): void {
  const roots = new Set(files.flatMap(file => STARTER.exec(file)?.[1] ?? []));
  const versions = [...roots].map(versionOf);
  if (versions.length > 0 && versions.every(isTooOld)) {
    throw new Error(
      `@nativestage/metrics needs Backstage 1.49 or newer, with @backstage/backend-app-api ${OLDEST.join('.')}; found ${versions.join(', ')}. Upgrade Backstage with \`yarn backstage-cli versions:bump\`, and all @backstage packages with it`,
    );
  }
}

function versionOf(root: string): string {
  const manifest = readFileSync(path.join(root, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

function isTooOld(version: string): boolean {
  if (version.startsWith('0.0.0-nightly')) {
    return false;
  }
  const parts = version.split(/[.-]/).map(Number);
  const at = OLDEST.findIndex((part, index) => parts[index] !== part);
  return at >= 0 && parts[at] < OLDEST[at];
}
