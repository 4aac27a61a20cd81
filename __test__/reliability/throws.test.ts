import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { createMeterProvider, setLogger } from '@nativestage/metrics/sdk';
import { diag } from '@opentelemetry/api';
import { fetchText } from '../hostile/support';
import { eventually } from '../support/eventually';
import { Program } from '../support/Program';

interface Page {
  counter: number;
  gauge: number;
}

interface Report<T> {
  result: T;
  lines: string[];
  unexpected: string[];
}

test('whatever callbacks throw, reject and return, the program goes on and every scrape has the values of its time', async t => {
  const program = Program.node(t, 'reliability/odd-throws.cjs', {
    args: ['callbacks'],
  });
  const { result, lines, unexpected } = await program.message<Report<Page[]>>();
  assert.deepEqual(unexpected, []);
  assert.deepEqual(
    result,
    [1, 2, 3].map(scrape => ({ counter: scrape, gauge: scrape })),
  );
  const failures = lines.filter(line => line.includes('failed'));
  for (const odd of [
    'throws.no_prototype',
    'rejects.a_revoked_proxy',
    'a batch',
  ]) {
    assert.equal(
      failures.filter(line => line.includes(odd)).length,
      3,
      `${odd} in ${lines.join('\n')}`,
    );
  }
  assert.ok(lines.every(line => line.length < 2000));
  assert.equal((await program.ending).code, 0);
});

test('whatever a logger throws or rejects, nobody who records notices, and scrapes go on', async t => {
  const program = Program.node(t, 'reliability/odd-throws.cjs', {
    args: ['loggers'],
  });
  const { result, unexpected } =
    await program.message<Report<{ threw: string[]; pages: Page[] }>>();
  assert.deepEqual(unexpected, []);
  assert.deepEqual(result.threw, []);
  assert.ok(result.pages.length > 50);
  for (const [index, page] of result.pages.entries()) {
    assert.deepEqual(page, { counter: index + 1, gauge: index + 1 });
  }
  const { code, stderr } = await program.ending;
  assert.equal(code, 0);
  // What the logger did not take is said by Node.
  assert.match(stderr, /MetricsWarning: .*the logger failed/);
});

test('an answer that is lost is asked for again, and later scrapes are fresh', async t => {
  const lines: string[] = [];
  const hear = (line: string) => void lines.push(line);
  setLogger({ debug: hear, info: hear, warn: hear, error: hear });
  t.after(() => setLogger(diag));
  const provider = createMeterProvider({
    exporters: { prometheus: { port: 0, collectTimeout: 300 } },
  });
  t.after(() => provider.shutdown());
  const url = `http://${provider.prometheusAddress}/metrics`;
  const counter = provider.getMeter('m').createCounter('c');
  const scrape = async () => {
    counter.add(1);
    const page = await fetchText(url, 'text/plain');
    return Number(/^c_total\{.*\} (\d+)$/m.exec(page)?.[1]);
  };
  assert.equal(await scrape(), 1);
  // The native side is not made to fail by anything that is known.
  const { native } = (
    provider as unknown as {
      facade: { native: { handOver: (...args: unknown[]) => void } };
    }
  ).facade;
  native.handOver = () => {
    throw Object.create(null);
  };
  assert.equal(await scrape(), 1);
  Reflect.deleteProperty(native, 'handOver');
  assert.equal(await scrape(), 3);
  assert.equal(await scrape(), 4);
  await eventually(() => {
    assert.match(lines.join('\n'), /nothing was handed over/);
    assert.match(lines.join('\n'), /answers again/);
  });
});

test('an event loop that was blocked for many collections is asked once when it turns again', async t => {
  const provider = createMeterProvider({
    exporters: {
      prometheus: { port: 0, collectTimeout: 50 },
    },
  });
  t.after(() => provider.shutdown());
  let runs = 0;
  provider
    .getMeter('m')
    .createObservableGauge('g')
    .addCallback(result => result.observe(++runs));
  const directory = mkdtempSync(path.join(tmpdir(), 'metrics-scrapes-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const scraped = path.join(directory, 'scraped');
  const scrapers = Program.node(t, 'reliability/scrapes.cjs', {
    args: [`http://${provider.prometheusAddress}/metrics`, '10', scraped],
  });
  await scrapers.line(/ready/);
  scrapers.send('go');
  // Ten scrapes of 50 ms each go on without this loop.
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const deadline = performance.now() + 30_000;
  while (!existsSync(scraped) && performance.now() < deadline) {
    Atomics.wait(pause, 0, 0, 20);
  }
  assert.equal(readFileSync(scraped, 'utf8'), '10');
  await scrapers.ending;
  assert.ok(runs <= 2, `${runs} rounds`);
  assert.ok(runs >= 1);
});
