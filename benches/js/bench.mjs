// Runs every benchmark on Node 24 and writes docs/benchmarks.md. Arguments are titles of sections: only
// those are measured then, and the others stay as they are on the page.
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { fetchTools, node } from '../../scripts/tools.mjs';
import { isCurrent, page, pagePath } from './page.mjs';
import { describeTarget, isMet } from './section.mjs';
import { sections } from './sections.mjs';

const node24 = node(24);
if (process.execPath !== node24) {
  const missing = await fetchTools(['node-24']);
  if (missing.length > 0) {
    process.exit(1);
  }
  const again = [...process.execArgv, ...process.argv.slice(1)];
  const { status } = spawnSync(node24, again, { stdio: 'inherit' });
  process.exit(status ?? 1);
}

const titles = sections.map(({ title }) => title);
const reasons = Object.fromEntries(
  sections.map(({ title, why }) => [title, why]),
);
const wanted = process.argv.slice(2);
const unknown = wanted.filter(title => !titles.includes(title));
if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(', ')}; known:\n${titles.join('\n')}`);
  process.exit(2);
}

// Sections that are not measured now are taken over from the page as it is.
const before = wanted.length > 0 ? await readFile(pagePath, 'utf8') : undefined;
if (before !== undefined && !(await isCurrent(before))) {
  console.error('The page is of other versions: measure all sections.');
  process.exit(2);
}

const results = [];
for (const { title, bench } of sections) {
  if (wanted.length > 0 && !wanted.includes(title)) {
    continue;
  }
  console.log(`\n${title}`);
  const section = { title, node: node24, ...(await bench()) };
  console.table(section.rows);
  for (const target of section.targets.filter(each => !isMet(each))) {
    console.log(`missed: ${describeTarget(target)}`);
  }
  results.push(section);
}
await writeFile(pagePath, await page(results, titles, reasons, before));
