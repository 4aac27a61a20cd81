// Says which glibc a binary needs and fails if that is newer than the one we promise:
//
//   node scripts/glibc.mjs FILE …
//
// Debian 8, Ubuntu 14.04, RHEL 7 and Amazon Linux 2 have 2.17 or newer. What is built without zig
// needs the glibc of the machine that built it.
import { pathToFileURL } from 'node:url';
import { run } from './process.mjs';

export const GLIBC_FLOOR = '2.17';

/** The newest version of glibc that a binary takes symbols of, by binutils' `readelf`. */
export async function requiredGlibc(file) {
  const { code, output } = await run(
    'readelf',
    ['--wide', '--version-info', file],
    { quiet: true, env: { ...process.env, LC_ALL: 'C' } },
  );
  const versions = [...output.matchAll(/\bGLIBC_(\d+(?:\.\d+)+)\b/g)]
    .map(match => match[1])
    .sort(compare);
  if (code !== 0 || versions.length === 0) {
    throw new Error(`${file} is not an ELF binary for glibc:\n${output}`);
  }
  return versions.at(-1);
}

function compare(a, b) {
  return a.localeCompare(b, 'en', { numeric: true });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const file of process.argv.slice(2)) {
    const needed = await requiredGlibc(file);
    console.log(`${file} needs glibc ${needed}`);
    if (compare(needed, GLIBC_FLOOR) > 0) {
      console.error(`${file} must run with glibc ${GLIBC_FLOOR}`);
      process.exitCode = 1;
    }
  }
}
