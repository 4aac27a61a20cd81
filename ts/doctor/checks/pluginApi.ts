import path from 'node:path';
import type { App, AppPackage } from '../App';
import type { Finding } from '../Finding';
import { resolvePackage } from '../installedPackages';
import { isMap } from '../AppFiles';
import { readManifest } from '../Manifest';

const NAME = '@backstage/backend-plugin-api';
const REF = 'metricsServiceRef';

/** Whether the backends' plugins can ask for Backstage's own `metricsServiceRef`. */
export function pluginApi(app: App): Promise<Finding[]> {
  const findings = app.isPlugAndPlay
    ? []
    : app.backends.flatMap(backend => tooOld(app, backend) ?? []);
  return Promise.resolve(findings);
}

function tooOld(app: App, { directory }: AppPackage): Finding | undefined {
  const installed = resolvePackage(directory, NAME);
  // Plugins bring it; a backend that has none of its own has nothing that is too old.
  if (installed === undefined || hasRef(app, installed)) {
    return undefined;
  }
  const manifest = readManifest(
    app.files,
    path.join(installed, 'package.json'),
  );
  return {
    check: 'plugin-api',
    severity: 'problem',
    message: `${NAME} ${manifest?.version ?? 'of unknown version'} has no ${REF} under /alpha: plugins cannot ask for the metrics service.`,
    file: app.files.name(installed),
    fix: 'Update Backstage: `yarn backstage-cli versions:bump`, then install again.',
  };
}

function hasRef(app: App, installed: string): boolean {
  const manifest = readManifest(
    app.files,
    path.join(installed, 'package.json'),
  );
  const entries = manifest?.exports;
  const targets = isMap(entries) ? entries['./alpha'] : undefined;
  const file = isMap(targets) ? targets.default : targets;
  const code =
    typeof file === 'string' && app.files.text(path.join(installed, file));
  return code ? code.includes(REF) : false;
}
