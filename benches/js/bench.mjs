// Runs every benchmark and writes docs/benchmarks.md. Arguments pick sections by a part of their
// titles; then nothing is written.
import { writeFile } from 'node:fs/promises';
import { page, pagePath } from './page.mjs';
import { describeTarget, isMet } from './section.mjs';
import { sections } from './sections.mjs';

const filters = process.argv.slice(2);
const results = [];
for (const { title, bench } of sections) {
  if (filters.length > 0 && !filters.some(filter => title.includes(filter))) {
    continue;
  }
  console.log(`\n${title}`);
  const section = { title, ...(await bench()) };
  console.table(section.rows);
  for (const target of section.targets.filter(each => !isMet(each))) {
    console.log(`missed: ${describeTarget(target)}`);
  }
  results.push(section);
}
if (filters.length === 0) {
  await writeFile(pagePath, await page(results));
}
