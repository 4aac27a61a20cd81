import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { Collector } from '../support/Collector';
import { attributesOf, metricsOf, pointsOf } from '../support/OtlpReceiver';
import { freePort } from '../support/ports';
import { FIXTURES, type Ending, runNode } from '../support/Program';

const ROOT = path.join(__dirname, '../..');

interface Occupied {
  threads: number;
  rss: number;
}

test(
  '200 short-lived workers lose nothing and leave neither threads nor memory behind',
  { skip: existsSync('/proc/self/task') ? false : 'needs /proc' },
  async t => {
    const collector = await Collector.start(t);
    const ending = await runNode(t, 'reliability/crowd.cjs', {
      execArgv: ['--expose-gc'],
      args: [collector.url, '200'],
    });
    assert.equal(ending.code, 0, ending.stderr);
    for (const parity of ['0', '1']) {
      assert.equal(collector.last('crowd.counter', { parity }), 10_000);
    }
    const { early, late } = JSON.parse(ending.stdout) as {
      early: Occupied;
      late: Occupied;
    };
    // tokio's pool for encoding grows and shrinks by a few threads; 134 workers came and went.
    assert.ok(late.threads <= early.threads + 4, ending.stdout);
    // 134 engines, or 134 blocks of 4 096 cells and samples, would be far more.
    assert.ok(late.rss < early.rss + 40 * 1024 * 1024, ending.stdout);
  },
);

describe(
  'threads that end in any order lose nothing',
  { concurrency: 2 },
  () => {
    for (const seed of [1, 2, 3, 4]) {
      test(`(seed ${seed})`, async t => {
        const collector = await Collector.start(t);
        const ending = await runNode(t, 'reliability/tree.cjs', {
          args: [collector.url, String(seed)],
        });
        assert.deepEqual(
          [ending.code, ending.signal],
          [0, null],
          ending.stderr,
        );
        for (const [depth, threads] of [1, 2, 4, 8].entries()) {
          assert.equal(
            collector.last('tree.counter', { depth: String(depth) }),
            threads,
            `depth ${depth}`,
          );
        }
        const histogram = metricsOf(collector.taken.at(-1)!).find(
          ({ name }) => name === 'tree.histogram',
        )!;
        assert.equal(Number(pointsOf(histogram)[0].count), 15);
      });
    }
  },
);

describe('two copies of the package in one process', () => {
  test('are one on a thread: the second counts into the first and cannot configure again', async t => {
    const collector = await Collector.start(t);
    const ending = await runCopies(t, [collector.url, 'thread']);
    assert.equal(ending.code, 0, ending.stderr);
    assert.match(ending.stdout, /^ERR_METRICS_ALREADY_CONFIGURED true$/m);
    assert.equal(collector.last('copies.counter', { copy: 'first' }), 1);
    assert.equal(collector.last('copies.counter', { copy: 'second' }), 1);
  });

  test('are one also where a worker has the second', async t => {
    const collector = await Collector.start(t);
    const ending = await runCopies(t, [collector.url, 'worker']);
    assert.equal(ending.code, 0, ending.stderr);
    assert.equal(collector.last('copies.counter', { copy: 'first' }), 1);
    assert.equal(collector.last('copies.counter', { copy: 'second' }), 1);
    assert.equal(ending.stderr, '');
  });

  const oneAddon = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
    ? 'NAPI_RS_NATIVE_LIBRARY_PATH gives all copies one addon'
    : false;
  test(
    'of different versions on different threads are named, and the first exports',
    { skip: oneAddon },
    async t => {
      const collector = await Collector.start(t);
      const ending = await runCopies(t, [collector.url, 'worker'], '0.0.1');
      assert.equal(ending.code, 0, ending.stderr);
      assert.match(
        ending.stderr,
        /two versions of @nativestage\/metrics are in this process.* and 0\.0\.1 .*second.*exports nothing/,
      );
      assert.equal(collector.last('copies.counter', { copy: 'first' }), 1);
      assert.equal(
        collector.last('copies.counter', { copy: 'second' }),
        undefined,
      );
    },
  );
});

describe('processes started by', { concurrency: 2 }, () => {
  for (const how of ['fork', 'cluster']) {
    test(`${how} each export as an instance of their own, and one of them has the scrape port`, async t => {
      const collector = await Collector.start(t);
      const port = await freePort();
      const ending = await runNode(t, 'reliability/processes.cjs', {
        args: [collector.url, how, String(port)],
      });
      assert.equal(ending.code, 0, ending.stdout + ending.stderr);
      const instances = new Map<unknown, number>();
      for (const request of collector.taken) {
        const { resource } = request.resourceMetrics[0];
        const id = attributesOf(resource?.attributes)['service.instance.id'];
        const metric = metricsOf(request).find(
          ({ name }) => name === 'processes.counter',
        );
        instances.set(id, Number(pointsOf(metric!)[0].asInt));
      }
      assert.deepEqual([...instances.values()], [1000, 1000, 1000, 1000]);
      const said = ending.stdout + ending.stderr;
      assert.equal(said.match(/Prometheus page at/g)?.length, 1, said);
      assert.equal(
        said.match(
          new RegExp(
            `cannot listen on 127\\.0\\.0\\.1:${port}: the port is in use; set options\\.exporters\\.prometheus\\.port`,
            'g',
          ),
        )?.length,
        3,
        said,
      );
    });
  }
});

/** Installs the package twice and runs copies.cjs beside the copies. */
async function runCopies(
  t: TestContext,
  args: string[],
  secondVersion?: string,
): Promise<Ending> {
  const directory = mkdtempSync(path.join(tmpdir(), 'metrics-copies-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const modules = path.join(directory, 'node_modules');
  const addons = readdirSync(ROOT).filter(file => file.endsWith('.node'));
  for (const copy of ['first', 'second']) {
    mkdirSync(path.join(modules, copy), { recursive: true });
    for (const file of ['package.json', 'binding.js', 'dist', ...addons]) {
      cpSync(path.join(ROOT, file), path.join(modules, copy, file), {
        recursive: true,
      });
    }
  }
  for (const scope of ['@backstage', '@opentelemetry']) {
    symlinkSync(
      path.join(ROOT, 'node_modules', scope),
      path.join(modules, scope),
      'dir',
    );
  }
  if (secondVersion) {
    const file = path.join(modules, 'second/package.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(
      file,
      JSON.stringify({ ...manifest, version: secondVersion }),
    );
  }
  const script = path.join(directory, 'copies.cjs');
  cpSync(path.join(FIXTURES, 'reliability/copies.cjs'), script);
  return runNode(t, script, { args });
}
