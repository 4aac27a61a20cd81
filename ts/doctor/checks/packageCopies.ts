import type { App } from '../App';
import type { Finding } from '../Finding';

const NAME = '@nativestage/metrics';

interface Copy {
  version?: string;
  directory: string;
}

/** Whether the app has exactly one copy of this package. */
export function packageCopies(app: App): Promise<Finding[]> {
  const copies = copiesOf(app);
  if (app.isPlugAndPlay || copies.length === 1) {
    return Promise.resolve([]);
  }
  return Promise.resolve([
    copies.length === 0 ? missing() : several(app, copies),
  ]);
}

/** One may be a workspace of the app: this package's own repository is such an app. */
function copiesOf(app: App): Copy[] {
  const own = app.packages
    .filter(({ name }) => name === NAME)
    .map(({ directory, manifest: { version } }) => ({ directory, version }));
  return [...own, ...app.installed.filter(({ name }) => name === NAME)];
}

function missing(): Finding {
  return {
    check: 'package-copies',
    severity: 'problem',
    message: `${NAME} is not installed as a dependency of any package of the app.`,
    file: 'package.json',
    fix: `Add it to the backend: \`yarn workspace backend add ${NAME}\` or \`npm install --workspace packages/backend ${NAME}\`.`,
  };
}

/** Copies of one version share one engine. */
function several(app: App, copies: Copy[]): Finding {
  const differ = new Set(copies.map(({ version }) => version)).size > 1;
  const list = copies.map(
    ({ version, directory }) => `${version} (${app.files.name(directory)})`,
  );
  return {
    check: 'package-copies',
    severity: differ ? 'problem' : 'warning',
    message: `${copies.length} copies of ${NAME} are installed: ${list.join(', ')}.${
      differ
        ? ' Whichever is loaded first has the metrics, and worker threads may export nothing.'
        : ''
    }`,
    file: app.files.name(copies.at(-1)!.directory),
    fix: `Have one copy: ask for the same version in every package.json, then \`npm dedupe\` or \`yarn dedupe ${NAME}\`.`,
  };
}
