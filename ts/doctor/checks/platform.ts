import { loadAddon } from '../addon';
import { loadManifest } from '../ownManifest';
import type { App } from '../App';
import type { Finding } from '../Finding';
import { satisfies } from '../versions';

/** Whether this Node is supported and loads the native addon. */
export async function platform(app: App): Promise<Finding[]> {
  const { engines } = loadManifest();
  if (!satisfies(app.nodeVersion, engines.node)) {
    return [
      {
        check: 'platform',
        severity: 'problem',
        message: `Node ${app.nodeVersion} is not supported by @nativestage/metrics, which needs ${engines.node}.`,
        fix: 'Run the backend on Node 22 or 24, in its current version: `nvm install 22`, and in the Dockerfile `FROM node:22-bookworm-slim`.',
      },
    ];
  }
  const { failure } = await loadAddon();
  if (failure === undefined) {
    return [];
  }
  return [
    {
      check: 'platform',
      severity: 'problem',
      message: `${failure}.`,
      fix: 'Install again without --omit=optional, on the platform that the backend runs on; node_modules copied from another one lack its addon.',
    },
  ];
}
