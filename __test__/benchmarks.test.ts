// docs/benchmarks.md is written by a run that takes half an hour, which CI has not: what can be checked
// is that it is of this version, of these rivals, and complete.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';

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
