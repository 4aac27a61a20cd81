import { types } from 'node:util';
import {
  type AddonFailure,
  diagnose,
  PREBUILT_PLATFORMS,
  platformName,
  type System,
} from './AddonFailure';
import { loadManifest } from './ownManifest';
import { satisfies } from './versions';
import { MetricsError } from '../common/errors';

/** The error of an addon that was not loaded: where, why and what to do, with the loader's as cause. */
export function addonMissing(error: unknown): MetricsError {
  const { engines } = loadManifest();
  const system = thisSystem();
  const attempts = attemptsOf(error);
  const { reason, advice } = explainMissing(error);
  const libc = system.glibc === undefined ? '' : `, glibc ${system.glibc}`;
  const unsupported = satisfies(process.versions.node, engines.node)
    ? ''
    : `This Node is not supported, it takes ${engines.node}. `;
  return new MetricsError(
    'ERR_METRICS_ADDON_MISSING',
    `the native addon of @nativestage/metrics cannot be loaded on ${process.platform}-${process.arch} with Node ${process.versions.node} (${platformName(system)}${libc}); ` +
      `metrics fall back to whatever @opentelemetry/api provides. ${unsupported}Cause: ${reason.replace(/\.$/, '')}. ` +
      `To do: ${advice}. Tried: ${attempts.join('; ')}`,
    { cause: error },
  );
}

/** Why the addon was not loaded, from the loader's error. */
export function explainMissing(error: unknown): AddonFailure {
  return diagnose({
    system: thisSystem(),
    attempts: attemptsOf(error),
    installed: PREBUILT_PLATFORMS.filter(isInstalled),
    override: process.env.NAPI_RS_NATIVE_LIBRARY_PATH,
    hasPermissions: process.permission !== undefined,
  });
}

function thisSystem(): System {
  const { platform, arch } = process;
  if (platform !== 'linux') {
    return { platform, arch, glibc: undefined };
  }
  const report = process.report as typeof process.report & {
    excludeNetwork: boolean;
  };
  // Otherwise the report looks up the name of every open socket's peer.
  report.excludeNetwork = true;
  const { header } = report.getReport() as {
    header: { glibcVersionRuntime?: string };
  };
  return { platform, arch, glibc: header.glibcVersionRuntime };
}

/**
 * What the loader tried, first to last: it chains its attempts as causes, last first. The WASI
 * builds that it also looks for do not exist.
 */
function attemptsOf(error: unknown): string[] {
  const messages: string[] = [];
  let current = error;
  // Not `instanceof`: the loader's errors are of Node's realm, which under Jest is another.
  while (types.isNativeError(current)) {
    messages.unshift(current.message.split('\n')[0]);
    current = current.cause;
  }
  // The outermost error only says that there were attempts.
  const attempts = messages.slice(0, Math.max(1, messages.length - 1));
  return attempts.filter(message => !message.includes('wasi'));
}

function isInstalled(platform: string): boolean {
  try {
    require.resolve(`@nativestage/metrics-${platform}/package.json`);
    return true;
  } catch {
    return false;
  }
}
