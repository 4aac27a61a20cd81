import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { pipe, prometheus, without } from '../support/tools';

const FOLDER = path.resolve('deploy/prometheus');
const RULES = ['recording-rules.yaml', 'alerts.yaml'].map(inFolder);
const TESTS = readdirSync(inFolder('tests')).map(file =>
  inFolder(`tests/${file}`),
);

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
      [...alerts].sort(),
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
  assert.deepEqual([...headings].sort(), [...alerts].sort());
  assert.deepEqual(
    found(read('alerts.yaml'), /runbook: docs\/alerts\.md#(\w+)/g),
    alerts.map(alert => alert.toLowerCase()),
  );
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
