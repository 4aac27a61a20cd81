import type { App } from '../App';
import type { Finding } from '../Finding';
import type { InstalledPackage } from '../installedPackages';
import { loadManifest } from '../../addon/ownManifest';
import { satisfies } from '../../addon/versions';

const API = '@opentelemetry/api';

/** Whether all code of the app meets in one, supported copy of OpenTelemetry's API. */
export function apiCopies(app: App): Promise<Finding[]> {
  if (app.isPlugAndPlay) {
    return Promise.resolve([]);
  }
  const copies = app.installed.filter(({ name }) => name === API);
  const range = loadManifest().peerDependencies[API];
  const finding =
    copies.length === 0
      ? missing(range)
      : copies.length > 1
        ? several(app, copies, range)
        : outOfRange(app, copies[0], range);
  return Promise.resolve(finding ? [finding] : []);
}

function missing(range: string): Finding {
  return {
    check: 'api-copies',
    severity: 'problem',
    message: `${API} is not installed; @nativestage/metrics cannot be loaded without it.`,
    file: 'package.json',
    fix: `Add it to the backend: \`yarn workspace backend add ${API}@${range}\` or \`npm install --workspace packages/backend ${API}@${range}\`.`,
  };
}

function outOfRange(
  app: App,
  { version, directory }: InstalledPackage,
  range: string,
): Finding | undefined {
  if (satisfies(version, range)) {
    return undefined;
  }
  return {
    check: 'api-copies',
    severity: 'problem',
    message: `${API} is installed in version ${version}; @nativestage/metrics needs ${range}.`,
    file: app.files.name(directory),
    fix: `Update it: \`yarn up ${API}\` or \`npm install --workspace packages/backend ${API}@${range}\`.`,
  };
}

/**
 * Copies of one version find each other through `globalThis`. Of different ones the first that is
 * loaded decides, and what is recorded through a newer one is lost.
 */
function several(app: App, copies: InstalledPackage[], range: string): Finding {
  const isHarmless =
    new Set(copies.map(({ version }) => version)).size === 1 &&
    satisfies(copies[0].version, range);
  const list = copies.map(
    ({ version, directory }) => `${version} (${app.files.name(directory)})`,
  );
  return {
    check: 'api-copies',
    severity: isHarmless ? 'note' : 'problem',
    message: `${copies.length} copies of ${API} are installed: ${list.join(', ')}. ${
      isHarmless
        ? 'They have the same version and work together.'
        : 'If the older one is loaded first, metrics made through the other are lost.'
    }`,
    file: app.files.name(copies.at(-1)!.directory),
    fix: `Have one copy: \`npm dedupe\` or \`yarn dedupe ${API}\`. If that leaves several, put \`"${API}": "${range}"\` under "overrides" (npm) or "resolutions" (yarn) of the root's package.json and install again.`,
  };
}
