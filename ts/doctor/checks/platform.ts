import { ADDONS_ADVICE, PERMISSION_ADVICE } from '../../addon/AddonFailure';
import { type AddonTrouble, loadAddon } from '../addon';
import { loadManifest } from '../../addon/ownManifest';
import type { App } from '../App';
import type { Finding } from '../Finding';
import { addonsOff, type AddonsOff } from '../Launcher';
import { satisfies } from '../../addon/versions';

/** Whether this Node is supported and loads the native addon. */
export async function platform(app: App): Promise<Finding[]> {
  const { engines } = loadManifest();
  if (!satisfies(app.nodeVersion, engines.node)) {
    return [
      {
        check: 'platform',
        severity: 'problem',
        message: `Node ${app.nodeVersion} is not supported by @nativestage/metrics, which needs ${engines.node}.`,
        fix: 'Run the backend on Node 24 or 26, in its current version: `nvm install 24`, and in the Dockerfile `FROM node:24-trixie-slim`.',
      },
    ];
  }
  const { failure } = await loadAddon();
  return [
    ...(failure
      ? [notLoaded(failure)]
      : inNodeOptions(app.environment.NODE_OPTIONS)),
    ...app.launchers.flatMap(({ addonsOff, what, file }) =>
      addonsOff ? [switchedOff(addonsOff, `the ${what}`, file)] : [],
    ),
  ];
}

function notLoaded({ message, advice }: AddonTrouble): Finding {
  return {
    check: 'platform',
    severity: 'problem',
    message: `${message}.`,
    fix: advice
      ? `${advice[0].toUpperCase()}${advice.slice(1)}.`
      : 'Install again without --omit=optional, on the platform that the backend runs on; node_modules copied from another one lack its addon.',
  };
}

/** Of the environment that a backend is started in. */
function inNodeOptions(options = ''): Finding[] {
  const option = addonsOff(options);
  return option ? [switchedOff(option, 'NODE_OPTIONS')] : [];
}

function switchedOff(option: AddonsOff, where: string, file?: string): Finding {
  const [does, fix] =
    option === '--no-addons'
      ? ['keeps Node from loading any addon', ADDONS_ADVICE]
      : [
          "has Node's permission model without --allow-addons",
          PERMISSION_ADVICE,
        ];
  return {
    check: 'platform',
    severity: 'problem',
    message: `${where} ${does}, and with it that of @nativestage/metrics: no metrics are exported.`,
    file,
    fix: `${fix[0].toUpperCase()}${fix.slice(1)}.`,
  };
}
