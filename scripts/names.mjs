// Writes the table of names in docs/names.md from the one in the addon; `--check` only compares.
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';

const require = createRequire(import.meta.url);
const { NativeRootMetricsService } = require('../binding.js');
const file = fileURLToPath(new URL('../docs/names.md', import.meta.url));

const BEGIN = '<!-- begin: written by `npm run names` -->';
const END = '<!-- end -->';

const onPage = name => name.replaceAll(/[^\w{}]/g, '_');

function pageNames({ old, new: name, unit, kind }) {
  const total = text =>
    kind === 'counter' && !text.endsWith('_total') ? `${text}_total` : text;
  const seconds = unit === 's' ? '_seconds' : '';
  return [total(onPage(old)), total(onPage(name) + seconds)];
}

const rows = NativeRootMetricsService.renames('backstage').map(rename => {
  const [before, after] = pageNames(rename);
  return `| \`${before}\` | \`${after}\` | ${rename.kind} | \`${rename.unit}\` | ${rename.description} |`;
});
const table = [
  '| today | with this package | kind | unit | |',
  '| --- | --- | --- | --- | --- |',
  ...rows,
].join('\n');

const before = await readFile(file, 'utf8');
const [head, rest] = before.split(BEGIN);
const [, tail] = rest.split(END);
const after = await format(`${head}${BEGIN}\n\n${table}\n\n${END}${tail}`, {
  parser: 'markdown',
});
if (process.argv.includes('--check')) {
  if (after !== before) {
    console.error('docs/names.md is out of date: run `npm run names`');
    process.exitCode = 1;
  }
} else {
  await writeFile(file, after);
}
