import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { Program } from '../support/Program';

const ROOT = path.join(__dirname, '../..');
/** Packing everything takes 20 s alone. */
const LIMIT_MS = 180_000;

/**
 * Makes the tarballs of a release with `scripts/release.mjs`, from this machine's binary and, for the
 * other platforms, files that are none.
 */
export async function makeRelease(
  t: Pick<TestContext, 'after'>,
  directory: string,
  platforms: readonly string[],
): Promise<string> {
  const binaries = path.join(directory, 'binaries');
  mkdirSync(binaries);
  const own = readdirSync(ROOT).filter(file =>
    /^metrics\..*\.node$/.test(file),
  );
  for (const platform of platforms) {
    const file = `metrics.${platform}.node`;
    if (own.includes(file)) {
      copyFileSync(path.join(ROOT, file), path.join(binaries, file));
    } else {
      writeFileSync(path.join(binaries, file), `no binary for ${platform}`);
    }
  }
  const tarballs = path.join(directory, 'tarballs');
  const ending = await Program.command(
    t,
    process.execPath,
    [path.join(ROOT, 'scripts/release.mjs'), binaries, tarballs],
    {
      env: {
        ...process.env,
        GITHUB_REPOSITORY: 'nativestage/metrics',
      },
      cwd: directory,
      limit: LIMIT_MS,
    },
  ).ending;
  if (ending.code !== 0) {
    throw new Error(`release.mjs failed:\n${ending.stderr}`);
  }
  return tarballs;
}
