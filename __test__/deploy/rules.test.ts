import assert from 'node:assert/strict';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { pipe, prometheus, without } from '../support/tools';

const FOLDER = path.resolve('deploy/prometheus');
const RULES = ['recording-rules.yaml', 'alerts.yaml'].map(inFolder);
const TESTS = readdirSync(inFolder('tests')).map(file =>
  inFolder(`tests/${file}`),
);

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  name: string;
  files: string[];
};
const alerts = found(read('alerts.yaml'), /- alert: (\w+)/g);
const records = found(read('recording-rules.yaml'), /- record: (\S+)/g);

for (const major of [2, 3] as const) {
  const { promtool } = prometheus(major);
  describe(
    `promtool of Prometheus ${major}`,
    { skip: without(promtool) },
    () => {
      for (const [title, args] of [
        ['finds the rules in order', ['check', 'rules', ...RULES]],
        [
          'finds the sample configuration in order',
          // Not the token's file, which this machine has none of.
          ['check', 'config', '--syntax-only', inFolder('prometheus.yaml')],
        ],
        [
          'sees alerts and recording rules do what their tests say',
          ['test', 'rules', ...TESTS],
        ],
      ] as const) {
        test(title, async () => {
          const { code, stdout, stderr } = await pipe(promtool, [...args], '');
          assert.equal(code, 0, stdout + stderr);
        });
      }
    },
  );
}

describe('the tests of the rules', () => {
  const cases = TESTS.map(file => readFileSync(file, 'utf8')).join('\n');

  test('see every alert fire, stay silent, and stay silent without data', () => {
    const fires = /alertname: (\w+)\n\s+exp_alerts:/g;
    const silent = /alertname: (\w+)\n(?!\s+exp_alerts:)/g;
    assert.deepEqual(new Set(found(cases, fires)), new Set(alerts));
    assert.deepEqual(new Set(found(cases, silent)), new Set(alerts));
    assert.deepEqual(
      found(read('tests/absent.yaml'), /alertname: (\w+)/g).sort(),
      [...new Set(alerts)].sort(),
    );
  });

  test('expect values of every recording rule', () => {
    const expected = found(cases, /^ +- expr: (.*)$/gm).join('\n');
    for (const record of records) {
      assert.ok(expected.includes(record), record);
    }
  });
});

test('every alert has a paragraph in the documentation, and every paragraph an alert', () => {
  const page = readFileSync('docs/alerts.md', 'utf8');
  const headings = found(page, /^### (\w+)\n\n\S/gm);
  assert.deepEqual([...headings].sort(), [...new Set(alerts)].sort());
});

test('every alert has the address of its paragraph in the published package', () => {
  assert.deepEqual(
    found(read('alerts.yaml'), /^ +runbook_url: (\S+)$/gm),
    alerts.map(
      alert =>
        `https://unpkg.com/${manifest.name}/docs/alerts.md#${alert.toLowerCase()}`,
    ),
  );
  assert.ok(manifest.files.includes('docs/alerts.md'));
});

describe('every rule', () => {
  const texts = RULES.map(file => readFileSync(file, 'utf8')).join('\n');

  test('keeps the labels of an environment wherever it sums up or joins', () => {
    const lists = found(texts, /\b(?:by|on) \(([^)]*)\)/g);
    assert.ok(lists.length > 50);
    for (const list of lists) {
      assert.match(list, /^cluster, namespace, job(, |$)/);
    }
    assert.doesNotMatch(texts, /\b(without|ignoring) ?\(/);
  });

  test('has every aggregation and join with a list of labels', () => {
    const aggregated = found(texts, /\b(?:sum|max|count|avg|min) (\S+ \()/g);
    assert.ok(aggregated.length > 20);
    assert.deepEqual(new Set(aggregated), new Set(['by (']));
    assert.doesNotMatch(texts, /\b(sum|max|count|avg|min) ?\(/);
  });

  test('goes by no name of a job, and names the environment that it found', () => {
    assert.doesNotMatch(texts, /\bjob=/);
    const descriptions = found(
      read('alerts.yaml'),
      /description: >-\n([^]*?)\n +runbook_url/g,
    );
    assert.equal(descriptions.length, alerts.length);
    for (const description of descriptions) {
      for (const label of ['namespace', 'cluster']) {
        assert.ok(description.includes(`$labels.${label} }}, ${label} `));
      }
    }
  });

  test('can keep another label in the place of cluster', async t => {
    const { promtool } = prometheus(3);
    if (without(promtool)) {
      return t.skip(without(promtool));
    }
    const folder = mkdtempSync(path.join(tmpdir(), 'metrics-rules-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const files = RULES.map(file => path.join(folder, path.basename(file)));
    for (const [index, file] of RULES.entries()) {
      const text = readFileSync(file, 'utf8');
      writeFileSync(files[index], text.replace(/\bcluster\b/g, 'environment'));
    }
    const { code, stdout, stderr } = await pipe(
      promtool,
      ['check', 'rules', ...files],
      '',
    );
    assert.equal(code, 0, stdout + stderr);
  });
});

function inFolder(file: string): string {
  return path.join(FOLDER, file);
}

function read(file: string): string {
  return readFileSync(inFolder(file), 'utf8');
}

function found(text: string, pattern: RegExp): string[] {
  return Array.from(text.matchAll(pattern), ([, name]) => name);
}
