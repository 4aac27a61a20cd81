/** The systems that prebuilt binaries exist for, as their packages' names end: `napi.targets`. */
export const PREBUILT_PLATFORMS: readonly string[] = [
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
];

const PACKAGE = '@nativestage/metrics';

const FROM_SOURCE =
  'build it from source: "npm ci && npm run build:release" in a clone of the repository (needs Rust and a C compiler), ' +
  'then set NAPI_RS_NATIVE_LIBRARY_PATH to the absolute path of the metrics.*.node that it writes';

const INSTALL_HERE =
  'install again on this system, from an empty node_modules: what is copied from another system lacks the binary for this one';

/** What to do where Node was started with `--no-addons`. */
export const ADDONS_ADVICE =
  'start Node without --no-addons (on the command line, in NODE_OPTIONS and in the execArgv of worker threads): metrics are kept by native code';

/** What to do where Node's permission model is on. */
export const PERMISSION_ADVICE =
  "start Node with --allow-addons beside --permission, with --allow-fs-read for the app's folder and its node_modules, " +
  'and with --allow-worker where worker threads are started';

/** What decides which binary loads. */
export interface System {
  platform: string;
  arch: string;
  /** The version of glibc; `undefined` on musl and where there is neither. */
  glibc: string | undefined;
}

/** What the loader met, and where. */
export interface Surroundings {
  system: System;
  /** The message of each failed attempt, first to last. */
  attempts: readonly string[];
  /** The platforms whose packages are installed. */
  installed: readonly string[];
  /** `NAPI_RS_NATIVE_LIBRARY_PATH`, which goes before every other binary. */
  override: string | undefined;
  /** Node's permission model is on. */
  hasPermissions?: boolean;
}

/** Why the addon was not loaded, and what to do about it. */
export interface AddonFailure {
  reason: string;
  advice: string;
}

/** The platform's name as in the name of its package. */
export function platformName({ platform, arch, glibc }: System): string {
  const abi: Record<string, string> = {
    linux: glibc === undefined ? '-musl' : '-gnu',
    win32: '-msvc',
  };
  return `${platform}-${arch}${abi[platform] ?? ''}`;
}

/** Finds out why no binary was loaded, from what the loader met. */
export function diagnose(surroundings: Surroundings): AddonFailure {
  const { attempts, override } = surroundings;
  const refusal = attempts.find(message => REFUSED.test(message));
  if (refusal !== undefined) {
    return surroundings.hasPermissions
      ? {
          reason: `Node's permission model does not allow it: ${refusal}`,
          advice: PERMISSION_ADVICE,
        }
      : {
          reason: `Node was started with --no-addons: ${refusal}`,
          advice: ADDONS_ADVICE,
        };
  }
  if (override) {
    return {
      reason: `NAPI_RS_NATIVE_LIBRARY_PATH names ${override}, which does not load: ${attempts[0] ?? 'unknown error'}`,
      advice: 'correct the path, which must be absolute, or unset it',
    };
  }
  const broken = attempts.find(
    message => !message.startsWith('Cannot find module'),
  );
  return broken === undefined
    ? diagnoseMissing(surroundings)
    : diagnoseBroken(broken, surroundings.system);
}

function diagnoseMissing(surroundings: Surroundings): AddonFailure {
  const { system, installed } = surroundings;
  const platform = platformName(system);
  const name = `${PACKAGE}-${platform}`;
  if (!PREBUILT_PLATFORMS.includes(platform)) {
    return {
      reason: `there is no prebuilt binary for ${platform}, only for ${PREBUILT_PLATFORMS.join(', ')}`,
      advice: FROM_SOURCE,
    };
  }
  if (surroundings.hasPermissions) {
    return {
      reason: `${name} is not installed, or Node's permission model hides its folder`,
      advice: PERMISSION_ADVICE,
    };
  }
  if (installed.length > 0) {
    return {
      reason: `${name} is not installed, but ${installed.map(other => `${PACKAGE}-${other}`).join(', ')} is`,
      advice: `${INSTALL_HERE}. If a lock file made on another system leaves it out (npm/cli#4828), delete the lock file too`,
    };
  }
  return {
    reason: `${name} is not installed`,
    advice:
      'install again without --omit=optional or --no-optional. If a lock file made on another system leaves it out (npm/cli#4828), ' +
      `delete the lock file and node_modules first. Or ${FROM_SOURCE}`,
  };
}

function diagnoseBroken(message: string, system: System): AddonFailure {
  const glibcs = [...message.matchAll(/GLIBC_(\d+(?:\.\d+)+)'? not found/g)];
  if (glibcs.length > 0 && system.glibc !== undefined) {
    return {
      reason: `the binary needs glibc ${glibcs[0][1]}, this system has ${system.glibc}: ${message}`,
      advice: `run on a newer system, or ${FROM_SOURCE}`,
    };
  }
  if (isForOtherLibc(message)) {
    const [own, other] =
      system.glibc === undefined ? ['musl', 'glibc'] : ['glibc', 'musl'];
    return {
      reason: `the binary is for ${other}, this system has ${own}: ${message}`,
      advice: INSTALL_HERE,
    };
  }
  if (isForOtherMachine(message)) {
    return {
      reason: `the binary is damaged or for another system: ${message}`,
      advice: INSTALL_HERE,
    };
  }
  return { reason: message, advice: `${INSTALL_HERE}. Or ${FROM_SOURCE}` };
}

/** Node's words for `ERR_DLOPEN_DISABLED` and `ERR_ACCESS_DENIED`; the loader passes on no codes. */
const REFUSED =
  /loading addons is disabled|^Access to this API has been restricted/;

/** The dynamic linkers' words: glibc's of a missing libc, musl's of missing ones and symbols. */
function isForOtherLibc(message: string): boolean {
  return /\b(libc\.musl-|ld-musl-|ld-linux-|libc\.so\.6)|GLIBC_[\d.]+|Error relocating/.test(
    message,
  );
}

function isForOtherMachine(message: string): boolean {
  return /invalid ELF header|file too short|wrong ELF class|Exec format error|mach-o|incompatible architecture|not a valid Win32 application/i.test(
    message,
  );
}
