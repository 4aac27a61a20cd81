import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import {
  json,
  UpstreamServer,
} from '../../../../__test__/support/UpstreamServer';
import { BoundedMap } from './BoundedMap';
import { sizeOf, sizeOfString } from './sizeOf';

const FIXTURE = path.resolve(
  __dirname,
  '../../../../__test__/fixtures/prometheus/cacheMemory.ts',
);

const BOUND = 16 * 2 ** 20;

/** By how much the heap may grow beyond the bound that was configured. */
const FACTOR = 1.25;

const range = (series: object[]) => ({
  data: { resultType: 'matrix', result: series },
});

const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));

const samples = (count: number) =>
  times(count, at => [at * 60, String(Math.sin(at))]);

const label = (text: string, at: number) => `${text.repeat(1_000)}${at}`;

/** Answers, by what of them takes memory. */
const KINDS: Record<string, (nth: string) => object> = {
  'long labels': nth =>
    range(
      times(50, at => ({ metric: { a: label('x', at), nth }, values: [] })),
    ),
  'labels beyond Latin-1': nth =>
    range(
      times(50, at => ({ metric: { a: label('€', at), nth }, values: [] })),
    ),
  'short labels': nth =>
    range(
      times(100, at => ({
        metric: { a: `${at}`, b: 'c', job: 'api', nth },
        values: [],
      })),
    ),
  'labels that nobody else has': nth =>
    range(
      times(100, at => ({
        metric: Object.fromEntries(
          times(10, one => [`l${nth}_${at}_${one}`, `${one}`]),
        ),
        values: [],
      })),
    ),
  columns: nth =>
    range(
      times(20, at => ({
        metric: { at: `${at}`, nth },
        values: samples(1000),
      })),
    ),
  'columns with gaps': nth =>
    range(
      times(20, at => ({ metric: { at: `${at}`, nth }, values: samples(900) })),
    ),
  keys: () => range([]),
  moment: nth => ({
    data: {
      resultType: 'vector',
      result: times(200, at => ({
        metric: { a: label('x', at), nth },
        value: [1, '1.5'],
      })),
    },
  }),
  metadata: () => ({}),
  exemplars: nth => ({
    data: times(20, at => ({
      seriesLabels: { at: `${at}`, nth },
      exemplars: times(20, one => ({
        labels: { trace_id: `${nth}${at}${one}` },
        value: '1.5',
        timestamp: 1.5,
      })),
    })),
  }),
};

describe('a cache', () => {
  for (const [kind, answer] of Object.entries(KINDS)) {
    test(`of ${kind} takes the memory that is configured`, async t => {
      const server = await UpstreamServer.start(
        t,
        ({ url, parameters }, response) => {
          const metric = parameters.get('metric');
          const [, nth] =
            /nth="(\d+)"/.exec(parameters.get('query') ?? '') ?? [];
          json(
            response,
            url.includes('metadata')
              ? {
                  data: {
                    [metric!]: [
                      { type: 'gauge', help: label('x', 0), unit: '' },
                    ],
                  },
                }
              : answer(nth),
          );
        },
      );
      const { stdout } = await promisify(execFile)(process.execPath, [
        '--expose-gc',
        '--import',
        'tsx',
        FIXTURE,
        server.url,
        kind,
        String(BOUND),
      ]);
      const [counted, grown] = JSON.parse(stdout) as [number, number];
      t.diagnostic(`counted ${counted}, grew by ${grown} of the bound`);
      assert.ok(counted > 0.8 && counted <= 1, `it counted ${counted}`);
      assert.ok(grown <= FACTOR, `the heap grew by ${grown} of the bound`);
      // A bound that is never reached would be another fault.
      assert.ok(grown >= 0.2, `the heap grew only by ${grown} of the bound`);
    });
  }

  test('counts what it drops, replaces and does not keep', () => {
    const map = new BoundedMap<string>({ maxEntries: 2, maxBytes: 10_000 });
    map.set('a', 'x', 1_000);
    const one = map.bytes;
    map.set('a', 'y', 1_000);
    assert.equal(map.bytes, one);
    map.set('b', 'x', 1_000);
    map.set('c', 'x', 1_000);
    assert.deepEqual([map.get('a'), map.bytes], [undefined, 2 * one]);
    map.set('c', 'x', 20_000);
    assert.deepEqual([map.get('c'), map.bytes], [undefined, one]);
    map.delete('b');
    map.delete('b');
    assert.equal(map.bytes, 0);
  });
});

test('what a value takes grows with its texts, and not only with their number', () => {
  assert.ok(sizeOf({ a: 'x'.repeat(10_000) }) > 10_000);
  assert.ok(sizeOf([['€'.repeat(10_000)]]) > 20_000);
  assert.ok(sizeOf({ ['x'.repeat(10_000)]: 1 }) > 10_000);
  assert.ok(sizeOfString('é'.repeat(1000)) < 1_100);
});
