// Writes THIRD-PARTY-NOTICES, the licences of the crates in the addons; `--check` only compares. Needs
// `cargo install cargo-about --features cli`.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { run } from './process.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const args = ['about', 'generate', '--locked', '--fail', 'scripts/notices.hbs'];

if (process.argv.includes('--check')) {
  const { code, output } = await run(
    'sh',
    ['-c', `cargo ${args.join(' ')} 2>/dev/null`],
    { cwd: root, quiet: true },
  );
  if (code !== 0) {
    throw new Error(`\`cargo ${args.join(' ')}\` failed`);
  }
  const committed = await readFile(`${root}/THIRD-PARTY-NOTICES`, 'utf8');
  if (output.trim() !== committed.trim()) {
    console.error('THIRD-PARTY-NOTICES is out of date: run `npm run notices`');
    process.exitCode = 1;
  }
} else {
  const { code } = await run(
    'cargo',
    [...args, '--output-file', 'THIRD-PARTY-NOTICES'],
    { cwd: root },
  );
  process.exitCode = code;
}
