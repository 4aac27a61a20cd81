import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, Collector, refused, taken } from '../support/Collector';
import { eventually } from '../support/eventually';
import {
  metricsOf,
  type OtlpMetric,
  type OtlpRequest,
  pointsOf,
} from '../support/OtlpReceiver';
import { Program } from '../support/Program';

/** A day of one export a minute. */
const DAY = 1440;
const MIB = 1024 * 1024;
const EXPORTED = 'otel_sdk_exporter_metric_data_point_exported_total';
const INFLIGHT = 'otel_sdk_exporter_metric_data_point_inflight';

test('a day in half a minute ends with exact totals and flat memory', t =>
  soak(t, {
    exports: DAY,
    interval: 10,
    periods: 12,
    workers: 1,
    growth: 24 * MIB,
  }));

// Without cumulative streams, series that are idle are let go and their places given to others.
test('a sixth of a day without a page ends with exact totals', t =>
  soak(t, {
    exports: DAY / 6,
    interval: 10,
    periods: 6,
    workers: 1,
    page: false,
    growth: 24 * MIB,
  }));

test(
  'a day in ten minutes ends with exact totals and flat memory',
  {
    skip: !process.env.METRICS_LONG_TESTS && 'set METRICS_LONG_TESTS to run it',
  },
  t =>
    soak(t, {
      exports: DAY,
      interval: 400,
      periods: 24,
      workers: 2,
      growth: 4 * MIB,
    }),
);

interface Soak {
  exports: number;
  /** Milliseconds between exports, if they were instantaneous. */
  interval: number;
  /** A fault and a look at the memory end each of them. */
  periods: number;
  /** Besides the main thread. */
  workers: number;
  /** Whether there is a Prometheus page, and is scraped. */
  page?: boolean;
  /**
   * What may be resident in the last quarter beyond the quarter before, in the median. In ten minutes
   * it moves by 1 MiB either way, and 12 KiB lost in each of the 360 exports between would be found.
   * In half a minute heaps and the allocator have not settled yet: on a busy machine, where full
   * blocks wait longer, steps of 15 MiB were seen. What is lost by the record is hundreds of them.
   */
  growth: number;
}

/** What hostile scrapers do all the while, ten of each: fewer than there are places. */
const HARASSMENT = [
  'reads 64 KB a second',
  'dribbles a header',
  'idles after an answer',
];

async function harass(t: TestContext, url: URL): Promise<Program[]> {
  const programs = HARASSMENT.map(behaviour =>
    Program.node(t, 'hostile/clients.cjs', {
      args: [url.hostname, url.port, behaviour, '10'],
      limit: 15 * 60_000,
    }),
  );
  await Promise.all(programs.map(program => program.line(/connected/)));
  return programs;
}

interface Totals {
  records: number;
  counter: number;
  upDown: number;
  gauge: number;
  histogram: { count: number; zeros: number; sum: number; buckets: number[] };
  churn: number;
  fleeting: number;
  observed: number;
}

async function soak(
  t: TestContext,
  { exports, interval, periods, workers, page = true, growth }: Soak,
): Promise<void> {
  const collector = await Collector.start(t);
  const program = Program.node(t, 'reliability/soak.cjs', {
    execArgv: ['--expose-gc'],
    args: [collector.url, ...[interval, workers, page].map(String)],
    limit: 15 * 60_000,
  });
  const url = page
    ? (await program.line(/to be scraped: (\S+)/))[1]
    : undefined;
  const books = new Books(collector);
  const faults = Object.values(faultsOf(collector, books));
  const scraping = new AbortController();
  const scrapes = url ? scrape(url, scraping.signal) : Promise.resolve(0);
  const hostile = url ? await harass(t, new URL(url)) : [];
  // Awaited in the end; until then a failure must not count for another test.
  scrapes.catch(() => {});
  t.after(() => scraping.abort());

  const started = performance.now();
  const resident: number[] = [];
  for (let period = 1; period <= periods; period++) {
    await books.until((period * exports) / periods);
    await faults[(period - 1) % faults.length]();
    // Then nothing waits any more: exports go out in their order.
    await books.until(books.collections + 3);
    program.send('sample');
    resident.push(
      await eventually(() => {
        const found = [...program.stdout.matchAll(/^sample: (\d+)$/gm)];
        assert.equal(found.length, period);
        return Number(found[period - 1][1]);
      }),
    );
  }
  const seconds = (performance.now() - started) / 1000;
  program.send('finish');
  const [, json] = await program.line(/^finish: (.*)$/m);
  const totals = JSON.parse(json) as Totals;
  scraping.abort();
  await Promise.all(hostile.map(clients => clients.stop()));
  t.diagnostic(
    `${books.collections} collections, ${(totals.records / seconds / 1e6).toFixed(1)} million ` +
      `records a second for ${seconds.toFixed(0)} s, ${await scrapes} scrapes; resident MiB: ` +
      resident.map(bytes => Math.round(bytes / MIB)).join(' '),
  );

  if (url) {
    // Exports go on: only between two of them nothing is in flight.
    await eventually(async () => {
      assert.equal(sumOf(samples(await textOf(url), INFLIGHT)), 0);
    });
  }
  // Nothing else says for sure that it takes no more.
  await collector.stop();
  books.balance();
  checkDeltas(books, totals);
  if (url) {
    checkPage(await textOf(url), books, totals);
  }
  program.send('end');
  const half = resident.slice(periods / 2);
  const grown =
    median(half.slice(half.length / 2)) -
    median(half.slice(0, half.length / 2));
  assert.ok(grown < growth, `${grown} bytes: ${resident.join(' ')}`);
}

async function textOf(url: string): Promise<string> {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  return response.text();
}

/** What the collector took, and what it said it did not: added up, because it all is too much. */
class Books {
  collections = 0;
  /** Data points that were taken, and those that were lost by the exporter's `error.type`. */
  readonly points: Record<'taken' | 'refused' | 'rejected', number> = {
    taken: 0,
    refused: 0,
    rejected: 0,
  };
  private readonly sums: Record<string, number> = {};
  private readonly lasts: Record<string, number> = {};
  readonly histograms: Record<string, Totals['histogram']> = {};

  constructor(private readonly collector: Collector) {}

  /** Balances the books until there were so many collections. */
  async until(collections: number): Promise<void> {
    await eventually(() => {
      this.balance();
      if (this.collections < collections) {
        throw new Error(`${this.collections} of ${collections} collections`);
      }
    }, 5 * 60_000);
  }

  balance(): void {
    for (const request of this.collector.taken.splice(0)) {
      this.enter(request, 'taken');
    }
  }

  /** Takes one collection on; what was lost counts as well. */
  enter(request: OtlpRequest, fate: 'taken' | 'refused'): void {
    this.collections++;
    for (const metric of metricsOf(request)) {
      this.points[fate] += pointsOf(metric).length;
      this.add(metric);
    }
  }

  sum(name: string): number {
    return this.sums[name];
  }

  last(name: string): number {
    return this.lasts[name];
  }

  private add(metric: OtlpMetric): void {
    const { name } = metric;
    this.lasts[name] = 0;
    for (const point of pointsOf(metric)) {
      if (point.count === undefined) {
        const value = Number(point.asInt ?? point.asDouble);
        this.sums[name] = (this.sums[name] ?? 0) + value;
        this.lasts[name] += value;
        continue;
      }
      const histogram = (this.histograms[name] ??= {
        count: 0,
        zeros: 0,
        sum: 0,
        buckets: [],
      });
      histogram.count += Number(point.count);
      histogram.zeros += Number(point.zeroCount ?? 0);
      histogram.sum += point.sum ?? 0;
      (point.bucketCounts ?? point.positive?.bucketCounts ?? []).forEach(
        (count, index) => {
          histogram.buckets[index] =
            (histogram.buckets[index] ?? 0) + Number(count);
        },
      );
    }
  }
}

/** Everything that befalls a collector. Each ends with the collector taking what it gets. */
function faultsOf(
  collector: Collector,
  books: Books,
): Record<string, () => Promise<void>> {
  /** Waits until so many requests were answered by the script. */
  const answered = async (...script: Answer[]) => {
    collector.script.push(...script);
    await collector.until(() => collector.script.length === 0);
  };
  const lastTaken = () => collector.taken.at(-1)!;
  return {
    down: async () => {
      await collector.stop();
      await sleep(1000);
      await collector.start();
    },
    unavailable: () => answered(refused(503), refused(503)),
    reset: () =>
      answered(
        response => void response.socket?.destroy(),
        response => void response.socket?.resetAndDestroy(),
      ),
    partial: () =>
      answered((response, take) => {
        take();
        // Which of them is up to the collector: it leaves out one that nobody else writes to.
        const metric = metricsOf(lastTaken()).find(
          ({ name }) => name === 'soak.counter',
        )!;
        books.points.rejected += 1;
        books.points.taken -= 1;
        assert.ok(pointsOf(metric).length > 0);
        response.writeHead(200, { 'content-type': 'application/json' }).end(
          JSON.stringify({
            partialSuccess: { rejectedDataPoints: '1', errorMessage: 'one' },
          }),
        );
      }),
    busy: () => answered(refused(429, { 'retry-after': '1' })),
    slow: () =>
      answered(
        ...Array.from({ length: 3 }, (): Answer => async (response, take) => {
          await sleep(200);
          await taken(response, take);
        }),
      ),
    refusing: () =>
      answered((response, take) => {
        take();
        books.enter(collector.taken.pop()!, 'refused');
        response.writeHead(400).end();
      }),
    cutOff: () =>
      answered((response, take) => {
        take();
        response.writeHead(200, { 'content-length': '100' }).write('{');
        setTimeout(() => response.destroy(), 20);
      }),
    silent: () => answered(() => {}, taken),
  };
}

/** Scrapes until it is told to stop; a counter never goes back. Returns how often. */
async function scrape(url: string, signal: AbortSignal): Promise<number> {
  let scrapes = 0;
  let before = 0;
  while (!signal.aborted) {
    const total = sumOf(samples(await textOf(url), 'soak_counter_total'));
    assert.ok(total >= before, `${total} after ${before}`);
    before = total;
    scrapes++;
    await sleep(100);
  }
  return scrapes;
}

interface Sample {
  labels: string;
  value: number;
}

function samples(page: string, name: string): Sample[] {
  return page
    .split('\n')
    .filter(line => line.startsWith(`${name}{`))
    .map(line => {
      const at = line.lastIndexOf(' ');
      return { labels: line.slice(0, at), value: Number(line.slice(at + 1)) };
    });
}

function sumOf(found: Sample[]): number {
  return found.reduce((sum, { value }) => sum + value, 0);
}

function checkDeltas(books: Books, totals: Totals): void {
  const { zeros, ...histogram } = totals.histogram;
  assert.equal(books.sum('soak.counter'), totals.counter);
  assert.equal(books.last('soak.updown'), totals.upDown);
  assert.equal(books.sum('soak.churn'), totals.churn);
  assert.equal(books.sum('soak.fleeting'), totals.fleeting);
  assert.equal(books.sum('soak.observed'), totals.observed);
  assert.deepEqual(books.histograms['soak.explicit'], {
    ...histogram,
    zeros: 0,
  });
  const { count, sum } = totals.histogram;
  const found = books.histograms['soak.exponential'];
  assert.deepEqual([found.count, found.zeros, found.sum], [count, zeros, sum]);
  const inBuckets = found.buckets.reduce((a, b) => a + b, 0);
  assert.equal(inBuckets, count - zeros);
}

function checkPage(page: string, books: Books, totals: Totals): void {
  const total = (name: string, having = '') =>
    sumOf(samples(page, name).filter(({ labels }) => labels.includes(having)));
  const { buckets, ...histogram } = totals.histogram;
  assert.equal(total('soak_counter_total'), totals.counter);
  assert.equal(total('soak_updown'), totals.upDown);
  for (const { value } of samples(page, 'soak_gauge')) {
    assert.equal(value, totals.gauge);
  }
  assert.equal(total('soak_churn_total'), totals.churn);
  assert.ok(total('soak_churn_total', 'otel_metric_overflow="true"') > 0);
  assert.equal(samples(page, 'soak_fleeting_total').length, 0);
  assert.equal(total('soak_observed_total'), totals.observed);
  for (const name of ['soak_explicit', 'soak_exponential']) {
    assert.equal(total(`${name}_count`), histogram.count);
    assert.equal(total(`${name}_sum`), histogram.sum);
  }
  let below = 0;
  for (const [index, boundary] of ['0', '16', '64', '256', '+Inf'].entries()) {
    below += buckets[index];
    assert.equal(total('soak_explicit_bucket', `le="${boundary}"`), below);
  }

  for (const fate of ['refused', 'rejected'] as const) {
    assert.equal(total(EXPORTED, `error_type="${fate}"`), books.points[fate]);
  }
  const delivered = samples(page, EXPORTED).filter(
    ({ labels }) => !labels.includes('error_type'),
  );
  assert.equal(sumOf(delivered), books.points.taken);
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
