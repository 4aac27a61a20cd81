// One random program, through the OpenTelemetry JS SDK and through ours: what both export is the
// same, apart from the faults of the JS SDK in faults.ts.
//
// METRICS_DIFFERENTIAL_SEEDS=1000-1999 runs further programs; a failure names its seed.
import assert from 'node:assert/strict';
import test from 'node:test';
import { limitAppliesPerInterval } from './faults';
import { OurPlayer, SdkPlayer } from './players';
import { type Metric, type Metrics, type Point, scopeText } from './points';
import {
  type InstrumentPlan,
  makeWorkload,
  streamsOf,
  type Temporality,
  type Workload,
} from './workload';

const SEEDS = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233];

/** Sums associate differently: cells add up between collections, the JS SDK adds one by one. */
const TOLERANCE = 1e-12;

function seeds(): number[] {
  const more = process.env.METRICS_DIFFERENTIAL_SEEDS;
  if (!more) {
    return SEEDS;
  }
  const [first, last] = more.split('-').map(Number);
  return Array.from(
    { length: (last ?? first) - first + 1 },
    (_, index) => first + index,
  );
}

for (const temporality of ['cumulative', 'delta', 'lowmemory'] as const) {
  test(`a program exports the same through both SDKs under ${temporality} temporality`, async t => {
    for (const seed of seeds()) {
      await t.test(`seed ${seed}`, () => compare(seed, temporality));
    }
  });
}

async function compare(seed: number, temporality: Temporality): Promise<void> {
  const workload = makeWorkload(seed, temporality);
  const ours = new OurPlayer(workload, temporality);
  const theirs = new SdkPlayer(workload, temporality);
  const comparison = new Comparison(workload, temporality);
  try {
    for (const [round, steps] of workload.rounds.entries()) {
      for (const step of steps) {
        ours.play(step);
        theirs.play(step);
      }
      comparison.collection(
        `seed ${seed}, ${temporality}, collection ${round + 1}`,
        await ours.collect(),
        await theirs.collect(),
      );
    }
    assert.ok(comparison.points > 100, 'hardly anything was compared');
  } finally {
    await ours.shutdown();
    await theirs.shutdown();
  }
}

class Comparison {
  points = 0;
  /** Per metric, every set that the JS SDK ever exported, overflow apart. */
  private readonly sets = new Map<string, Set<string>>();

  constructor(
    private readonly workload: Workload,
    private readonly temporality: Temporality,
  ) {}

  collection(where: string, ours: Metrics, theirs: Metrics): void {
    assert.deepEqual(
      [...ours.keys()].sort(),
      [...theirs.keys()].sort(),
      `${where}: metrics`,
    );
    for (const [key, metric] of theirs) {
      const at = `${where}, ${key}`;
      const own = ours.get(key)!;
      this.header(at, own, metric);
      const sets = this.sets.get(key) ?? new Set();
      this.sets.set(key, sets);
      for (const attributes of metric.points.keys()) {
        if (!isOverflow(attributes)) {
          sets.add(attributes);
        }
      }
      const instrument = this.instrument(metric);
      const limit = this.limit(metric, instrument);
      if (
        limitAppliesPerInterval(instrument, this.temporality, limit, sets.size)
      ) {
        assert.ok(own.points.size <= limit! + 1, `${at}: beyond the limit`);
        this.totals(at, own, metric);
      } else {
        this.same(at, own, metric);
      }
    }
  }

  private instrument({ name, scope }: Metric): InstrumentPlan {
    return this.workload.instruments.find(
      plan =>
        plan.name === name.replace('renamed.', '') &&
        scopeText(plan.scope.name, plan.scope.version, plan.scope.schemaUrl) ===
          scope,
    )!;
  }

  private limit(
    { name }: Metric,
    instrument: InstrumentPlan,
  ): number | undefined {
    return streamsOf(this.workload, instrument).find(
      stream => (stream.name ?? instrument.name) === name,
    )!.aggregation_cardinality_limit;
  }

  private header(at: string, own: Metric, metric: Metric): void {
    const without = (whole: Metric) => ({ ...whole, points: undefined });
    assert.deepEqual(without(own), without(metric), at);
  }

  private same(at: string, own: Metric, metric: Metric): void {
    assert.deepEqual(
      [...own.points.keys()].sort(),
      [...metric.points.keys()].sort(),
      `${at}: attribute sets`,
    );
    for (const [attributes, expected] of metric.points) {
      this.points++;
      this.point(`${at} ${attributes}`, own.points.get(attributes)!, expected);
    }
  }

  private point(at: string, point: Point, expected: Point): void {
    const { sum, value, ...rest } = point;
    const { sum: expectedSum, value: expectedValue, ...others } = expected;
    assert.deepEqual(rest, others, at);
    close(`${at}: sum`, sum, expectedSum);
    close(`${at}: value`, value, expectedValue);
  }

  /** What was recorded is all there, whichever series took it. */
  private totals(at: string, own: Metric, metric: Metric): void {
    if (own.kind === 'gauge') {
      return;
    }
    const total = (points: Metric['points'], of: (point: Point) => unknown) =>
      [...points.values()].reduce(
        (sum, point) => sum + ((of(point) as number | undefined) ?? 0),
        0,
      );
    for (const key of ['value', 'count', 'sum', 'zeroCount'] as const) {
      close(
        `${at}: total ${key}`,
        total(own.points, point => point[key]),
        total(metric.points, point => point[key]),
      );
    }
    const buckets = [...metric.points.values()][0].counts?.length ?? 0;
    for (let bucket = 0; bucket < buckets; bucket++) {
      assert.equal(
        total(own.points, point => point.counts![bucket]),
        total(metric.points, point => point.counts![bucket]),
        `${at}: total of bucket ${bucket}`,
      );
    }
    this.points++;
  }
}

function isOverflow(attributes: string): boolean {
  return attributes.includes('otel.metric.overflow');
}

function close(
  at: string,
  found: number | undefined,
  expected: number | undefined,
): void {
  if (found === undefined || expected === undefined) {
    assert.equal(found, expected, at);
    return;
  }
  const allowed = TOLERANCE * Math.max(Math.abs(found), Math.abs(expected));
  assert.ok(
    Math.abs(found - expected) <= allowed,
    `${at}: found ${found}, expected ${expected}`,
  );
}
