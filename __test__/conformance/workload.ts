// A random program, as data: what it creates, what it records and when it is collected. Both SDKs
// play the same one.
import type { ViewSelector, ViewStream } from '@nativestage/metrics/sdk';

export const KINDS = [
  'counter',
  'upDownCounter',
  'histogram',
  'gauge',
  'observableCounter',
  'observableUpDownCounter',
  'observableGauge',
] as const;
export type Kind = (typeof KINDS)[number];

export type Temporality = 'cumulative' | 'delta' | 'lowmemory';

export interface Scope {
  name: string;
  version?: string;
  schemaUrl?: string;
}

export interface InstrumentPlan {
  scope: Scope;
  kind: Kind;
  name: string;
  unit?: string;
  description?: string;
  int: boolean;
  boundaries?: number[];
}

export type AttributeInput = Record<string, unknown> | undefined;

export interface Observation {
  instrument: number;
  value: unknown;
  attributes: AttributeInput;
}

export interface CallbackPlan {
  /** One instrument, or several for a batch callback. */
  instruments: number[];
  batch: boolean;
  async: boolean;
}

export type Step =
  | {
      type: 'record';
      instrument: number;
      value: unknown;
      attributes: AttributeInput;
    }
  /** The program asks for an instrument that it has already. */
  | { type: 'again'; instrument: number }
  /** What a callback observes from now on. */
  | { type: 'observe'; callback: number; observations: Observation[] }
  | { type: 'register'; callback: number }
  | { type: 'unregister'; callback: number };

export interface ViewPlan {
  selector: ViewSelector;
  stream: ViewStream;
}

export interface Workload {
  instruments: InstrumentPlan[];
  callbacks: CallbackPlan[];
  views: ViewPlan[];
  histogram: 'explicit' | 'exponential';
  /** Every round ends with a collection. */
  rounds: Step[][];
}

/** mulberry32: 32 bits of state are plenty for a few thousand decisions. */
export class Random {
  constructor(private state: number) {}

  /** From 0 up to, but without, 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  shuffled<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [copy[i], copy[j]] = [copy[j], copy[i]];
    }
    return copy;
  }
}

export function isObservable(kind: Kind): boolean {
  return kind.startsWith('observable');
}

export function isSum(kind: Kind): boolean {
  return /counter/i.test(kind);
}

export function isMonotonic(kind: Kind): boolean {
  return kind === 'counter' || kind === 'observableCounter';
}

const SCOPES: Scope[] = [
  { name: 'one' },
  { name: 'one', version: '1.0.0' },
  { name: 'one', version: '2.0.0', schemaUrl: 'https://example.com/2' },
  { name: 'two/ünï', version: '1.0.0' },
];

const KEYS = ['a', 'b', 'method', 'http.status', 'ключ', '🔑', 'z-9'];

const ATTRIBUTE_VALUES: unknown[] = [
  '1',
  1,
  '200',
  200,
  1.5,
  -3,
  0.1 + 0.2,
  1e21,
  123456789.12345679,
  true,
  false,
  'true',
  '',
  'GET',
  'naïve 💥',
  'a"b\\c\nd',
  ['x', 'y'],
  ['x'],
  'x',
  [1, 2],
  [1, 2.5],
  [true, false],
  [],
];

/** What no SDK should choke on; the JS SDK does, see faults.ts. */
const ODD_VALUES: unknown[] = [null, undefined, 10n, Symbol('odd'), () => 1];

const STATUS_BOUNDARIES = [0, 0.005, 0.1, 0.30000000000000004, 1, 7.3, 1e6];

export function makeWorkload(seed: number): Workload {
  const random = new Random(seed);
  const instruments = makeInstruments(random);
  const views = makeViews(random, instruments);
  const callbacks = makeCallbacks(random, instruments, views);
  const sets = makeSets(random);
  const rounds: Step[][] = [];
  for (let round = 0; round < 4 + random.below(4); round++) {
    rounds.push(makeRound(random, instruments, callbacks, sets, round));
  }
  return {
    instruments,
    callbacks,
    views,
    histogram: random.chance(0.3) ? 'exponential' : 'explicit',
    rounds,
  };
}

function makeInstruments(random: Random): InstrumentPlan[] {
  const instruments: InstrumentPlan[] = [];
  for (const kind of KINDS) {
    for (const int of [false, true]) {
      const name = `${kind}.${int ? 'int' : 'double'}`;
      // The same name in several meters is as many metrics.
      const scopes = random.shuffled(SCOPES).slice(0, 1 + random.below(2));
      for (const scope of scopes) {
        instruments.push({
          scope,
          kind,
          name,
          unit: random.pick([undefined, '', 's', 'By', '{request}', '%']),
          description: random.pick([undefined, 'Things', 'Größe "in" 💾']),
          int,
          boundaries:
            kind === 'histogram'
              ? random.pick([undefined, STATUS_BOUNDARIES, [], [1]])
              : undefined,
        });
      }
    }
  }
  return instruments;
}

/**
 * At most one view shapes the metric that keeps its name, because two would be two metrics of one
 * name; further ones rename.
 */
function makeViews(random: Random, instruments: InstrumentPlan[]): ViewPlan[] {
  const views: ViewPlan[] = [];
  const names = [...new Set(instruments.map(instrument => instrument.name))];
  for (const name of random.shuffled(names).slice(0, 7)) {
    const kind = name.split('.')[0] as Kind;
    const selector: ViewSelector = { instrument_name: name };
    if (random.chance(0.2)) {
      selector.meter_name = 'one';
    }
    if (random.chance(0.2)) {
      selector.unit = 's';
    }
    views.push({ selector, stream: makeStream(random, kind) });
    const filtered = views[views.length - 1].stream.attribute_keys;
    if (random.chance(0.3) && !(filtered && isObservable(kind))) {
      views.push({
        selector: { instrument_name: name },
        stream: { name: `renamed.${name}`, description: 'Renamed' },
      });
    }
  }
  // No instrument has an exact view and a wildcard's: the wildcard is for kinds without any.
  const untouched = KINDS.filter(
    kind =>
      !views.some(({ selector }) =>
        selector.instrument_name?.startsWith(`${kind}.`),
      ),
  );
  for (const kind of untouched) {
    views.push({
      selector: random.chance(0.5)
        ? { instrument_name: `${kind}.*` }
        : { instrument_name: `${kind}.*`, instrument_type: snakeCase(kind) },
      stream: makeStream(random, kind),
    });
  }
  return views;
}

function makeStream(random: Random, kind: Kind): ViewStream {
  const stream: ViewStream = {};
  if (random.chance(0.15)) {
    return { aggregation: { drop: {} } };
  }
  if (random.chance(0.3)) {
    stream.description = 'From the view';
  }
  const keys = random.shuffled(KEYS).slice(0, random.below(4));
  const filter = random.pick(['included', 'excluded', undefined, undefined]);
  if (filter) {
    stream.attribute_keys = { [filter]: keys };
  }
  if (random.chance(0.25) && !isObservable(kind)) {
    stream.aggregation_cardinality_limit = 1 + random.below(6);
  }
  if (random.chance(0.6) && !isObservable(kind)) {
    stream.aggregation = random.pick<NonNullable<ViewStream['aggregation']>>([
      { default: {} },
      {
        explicit_bucket_histogram: {
          boundaries: [-10, 0, 0.1, 2, 1000],
          record_min_max: random.chance(0.7),
        },
      },
      { explicit_bucket_histogram: { boundaries: [] } },
      {
        base2_exponential_bucket_histogram: {
          max_size: random.pick([4, 20, 160]),
          record_min_max: random.chance(0.7),
        },
      },
      ...(kind === 'gauge' ? [{ last_value: {} }] : [{ sum: {} }]),
    ]);
  }
  return stream;
}

function makeCallbacks(
  random: Random,
  instruments: InstrumentPlan[],
  views: ViewPlan[],
): CallbackPlan[] {
  const callbacks: CallbackPlan[] = [];
  const free: number[] = [];
  instruments.forEach((instrument, index) => {
    if (!isObservable(instrument.kind)) {
      return;
    }
    callbacks.push({
      instruments: [index],
      batch: false,
      async: random.chance(0.3),
    });
    // Two callbacks whose sets a filter makes equal observe one series twice, which no
    // specification orders.
    const filtered = views.some(
      view => view.stream.attribute_keys && matches(view.selector, instrument),
    );
    if (!filtered) {
      free.push(index);
    }
  });
  for (const index of free) {
    if (random.chance(0.3)) {
      callbacks.push({ instruments: [index], batch: false, async: false });
    }
  }
  for (let batch = 0; batch < 2 && free.length > 0; batch++) {
    // A batch callback is for instruments of one meter.
    const { scope } = instruments[random.pick(free)];
    const ofMeter = free.filter(index => instruments[index].scope === scope);
    callbacks.push({
      instruments: random.shuffled(ofMeter).slice(0, 1 + random.below(3)),
      batch: true,
      async: random.chance(0.3),
    });
  }
  return callbacks;
}

/** Whether a view is for an instrument, by the criteria that workloads use. */
export function matches(
  selector: ViewSelector,
  instrument: InstrumentPlan,
): boolean {
  const pattern = selector.instrument_name ?? '*';
  const named = pattern.endsWith('*')
    ? instrument.name.startsWith(pattern.slice(0, -1))
    : instrument.name === pattern;
  const { meter_name: meter, unit } = selector;
  return (
    named &&
    (meter === undefined || meter === instrument.scope.name) &&
    (unit === undefined || unit === (instrument.unit ?? ''))
  );
}

function makeSets(random: Random): AttributeInput[] {
  const sets: AttributeInput[] = [undefined, {}];
  while (sets.length < 14) {
    const keys = random.shuffled(KEYS).slice(0, 1 + random.below(6));
    sets.push(
      Object.fromEntries(keys.map(key => [key, random.pick(ATTRIBUTE_VALUES)])),
    );
  }
  return sets;
}

/** The same set in another order, now and then with values that count for nothing. */
function varied(random: Random, set: AttributeInput): AttributeInput {
  if (!set) {
    return undefined;
  }
  const entries = Object.entries(set).map(([key, value]): [string, unknown] => [
    key,
    Array.isArray(value) ? [...(value as unknown[])] : value,
  ]);
  if (random.chance(0.15)) {
    entries.push([`odd${random.below(3)}`, random.pick(ODD_VALUES)]);
  }
  return Object.fromEntries(random.shuffled(entries));
}

function makeRound(
  random: Random,
  instruments: InstrumentPlan[],
  callbacks: CallbackPlan[],
  sets: AttributeInput[],
  round: number,
): Step[] {
  const steps: Step[] = [];
  callbacks.forEach((callback, index) => {
    if (round === 0 || random.chance(0.8)) {
      steps.push(observe(random, instruments, callback, index, sets, round));
    }
    const luck = random.next();
    const registers = round === 0 ? 0.9 : 0.2;
    if (luck < registers) {
      steps.push({ type: 'register', callback: index });
    } else if (luck > 0.85) {
      steps.push({ type: 'unregister', callback: index });
    }
  });
  const synchronous = instruments
    .map((_, index) => index)
    .filter(index => !isObservable(instruments[index].kind));
  for (let step = 0; step < 400; step++) {
    const instrument = random.pick(synchronous);
    if (random.chance(0.01)) {
      steps.push({ type: 'again', instrument });
    }
    steps.push({
      type: 'record',
      instrument,
      value: makeValue(random, instruments[instrument]),
      attributes: varied(random, random.pick(sets)),
    });
  }
  return steps;
}

function observe(
  random: Random,
  instruments: InstrumentPlan[],
  callback: CallbackPlan,
  index: number,
  sets: AttributeInput[],
  round: number,
): Step {
  const observations: Observation[] = [];
  for (const instrument of callback.instruments) {
    const plan = instruments[instrument];
    // No set is observed twice: no attributes and empty ones are the same.
    const chosen = random.shuffled(sets.slice(1)).slice(0, random.below(6));
    for (const set of chosen) {
      observations.push({
        instrument,
        // Counters mostly grow, and now and then start over.
        value:
          plan.kind === 'observableCounter'
            ? (random.chance(0.9) ? round * 1000 : 0) + random.below(4000) / 4
            : makeValue(random, plan),
        // Callbacks of one instrument never observe the same set.
        attributes: { ...varied(random, set), callback: index },
      });
    }
  }
  return { type: 'observe', callback: index, observations };
}

const INVALID: unknown[] = [NaN, Infinity, -Infinity, '5', null, undefined, 5n];

function makeValue(random: Random, plan: InstrumentPlan): unknown {
  if (random.chance(0.04)) {
    // What observable instruments are given is checked in instruments/values.test.ts.
    return isObservable(plan.kind) ? 0 : random.pick(INVALID);
  }
  if (random.chance(0.08)) {
    return random.pick([0, -0]);
  }
  const signed = plan.kind !== 'counter' && plan.kind !== 'histogram';
  const sign = signed && random.chance(0.4) ? -1 : 1;
  if (!signed && random.chance(0.03)) {
    return -random.below(10) - 0.5;
  }
  if (plan.int) {
    return (sign * random.below(2 ** 24)) / random.pick([1, 1, 8, 3]);
  }
  switch (plan.kind) {
    case 'upDownCounter':
    case 'observableUpDownCounter':
      // Multiples of 2^-10 below 2^32 add up without rounding, so that nothing can cancel out.
      return (sign * random.below(2 ** 31)) / 1024;
    case 'gauge':
    case 'observableGauge':
      // Subnormal doubles may share the bucket of the smallest normal one: they are left out.
      return sign * random.pick([2.5e-308, 1e-300, 0.1, 1e300, random.next()]);
    case 'counter':
      return random.pick([1, 0.1, 1e-300, 1e15, random.next() * 1000]);
    default:
      return random.pick([
        random.pick(STATUS_BOUNDARIES),
        random.next() * 10 ** random.below(7),
        2 ** (random.below(40) - 20),
        1e-300,
        1e300,
        random.next(),
      ]);
  }
}

export function snakeCase<K extends Kind>(kind: K) {
  return kind.replace(
    /[A-Z]/g,
    letter => `_${letter.toLowerCase()}`,
  ) as NonNullable<ViewSelector['instrument_type']>;
}
