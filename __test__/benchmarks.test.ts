// docs/benchmarks.md is written by a run that takes half an hour, which CI has not: what can be checked
// is that it is of this version, of these rivals, and complete.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';

/** The rows of the README's table: where the page has the ratio, and whether it is the other way around. */
const MEASURED: [what: string, pattern: RegExp, isInverse: boolean][] = [
  [
    'adding to a counter with 2 attributes',
    /^\| mono counter, 2 attributes .*\| +([\d.]+)(?: \| +[\d.]+){3} \|$/m,
    false,
  ],
  [
    'adding to one of 16 counters at one place, with 5 attributes',
    /^\| mega counter, 5 attributes .*\| +([\d.]+)(?: \| +[\d.]+){3} \|$/m,
    false,
  ],
  [
    'recording in a histogram with 5 attributes',
    /^\| mono histogram, 5 attributes .*\| +([\d.]+)(?: \| +[\d.]+){3} \|$/m,
    false,
  ],
  [
    'event loop blocked by an export of 100 000 series',
    /blocked by an export of 100000 series.*: ([\d.]+) ×/,
    false,
  ],
  [
    'processor time of that export',
    /CPU of an export of 100000 counters.*: ([\d.]+) /,
    true,
  ],
  ['time to load and start', /: time to load and start.*: ([\d.]+) /, true],
  [
    "memory of a counter's series with 3 attributes",
    /memory of a series, counter, 3 attributes, against.*: ([\d.]+) /,
    true,
  ],
];

const benches = (file: string) =>
  import(pathToFileURL(path.resolve('benches/js', file)).href);

test('the benchmark page was measured against what the lock file pins', async () => {
  const { isCurrent, pagePath } = (await benches('page.mjs')) as {
    isCurrent: (page: string) => Promise<boolean>;
    pagePath: string;
  };
  const page = await readFile(pagePath, 'utf8');
  assert.ok(await isCurrent(page), 'run `npm run bench` in benches/js');
});

test('the benchmark page has every section, in order', async () => {
  const { pagePath } = (await benches('page.mjs')) as { pagePath: string };
  const { sections } = (await benches('sections.mjs')) as {
    sections: { title: string }[];
  };
  const page = await readFile(pagePath, 'utf8');
  assert.deepEqual(
    [...page.matchAll(/^## (.*)$/gm)].map(([, title]) => title),
    sections.map(({ title }) => title),
    'run `npm run bench` in benches/js',
  );
});

test('the README has the ratios of the page', async () => {
  const { pagePath } = (await benches('page.mjs')) as { pagePath: string };
  const page = await readFile(pagePath, 'utf8');
  const readme = await readFile('README.md', 'utf8');
  for (const [what, pattern, isInverse] of MEASURED) {
    const ratio = Number(pattern.exec(page)?.[1]);
    const row = readme.split('\n').find(line => line.startsWith(`| ${what} `));
    const written = Number(row?.split('|')[2]);
    const expected = isInverse ? 1 / ratio : ratio;
    assert.ok(Math.abs(written / expected - 1) < 0.02, `${what}: ${expected}`);
  }
});
