// A random program, as data: what it creates, what it records and when it is collected. Both SDKs
// play the same one.
//
// Where the JS SDK does not do what the specification says, a comparison cannot tell who is right.
// Programs keep out of four such places, and specification.test.ts looks at ours there:
//
// - a set that a callback observed is observed as long as the program runs, unless it is reported as
//   delta (`keptSets`);
// - sets that an observable sum observes differ in what its view keeps of them, too (`distinctSets`);
// - views of histograms say how to aggregate where the reader has a default of its own (`stated`);
// - cumulative exponential histograms count on the same sides of zero in every interval
//   (`missingSides`).
//
// Where the specification leaves the SDK a choice, programs leave it none: where there is a limit
// under delta temporality, the first sets of every interval are the same (`firstSets`).
import { attributeText } from './points';
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

export type AttributeInput = Record<string, unknown> | null | undefined;

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

function isObservable(kind: Kind): boolean {
  return kind.startsWith('observable');
}

function isSum(kind: Kind): boolean {
  return /counter/i.test(kind);
}

function isMonotonic(kind: Kind): boolean {
  return kind === 'counter' || kind === 'observableCounter';
}

/** Whether a kind is reported as delta, by the OTLP exporter specification's preferences. */
export function isDelta(kind: Kind, preference: Temporality): boolean {
  return preference === 'lowmemory'
    ? kind === 'counter' || kind === 'histogram'
    : preference === 'delta' && !/upDownCounter/i.test(kind);
}

/** Whether values below zero count. */
function isSigned(kind: Kind): boolean {
  return !isMonotonic(kind) && kind !== 'histogram';
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

const CIRCULAR: Record<string, unknown> = {};
CIRCULAR.self = CIRCULAR;

/** What no SDK should choke on; the JS SDK does, see faults.ts. */
const ODD_VALUES: unknown[] = [null, undefined, 10n, CIRCULAR];

const STATUS_BOUNDARIES = [0, 0.005, 0.1, 0.30000000000000004, 1, 7.3, 1e6];

/** All that is decided before the first round, and what one round leaves for the next. */
interface Draft extends Omit<Workload, 'rounds'> {
  random: Random;
  temporality: Temporality;
  sets: AttributeInput[];
  /** For each callback. */
  observing: Observing[];
  /** For each instrument. */
  first: AttributeInput[][];
}

interface Observing {
  registered: boolean;
  /** Whether a collection has run it since it was registered. */
  collected: boolean;
  /** What it observes, by instrument. */
  sets: Map<number, AttributeInput[]>;
}

export function makeWorkload(seed: number, temporality: Temporality): Workload {
  const random = new Random(seed);
  const histogram: Workload['histogram'] = random.chance(0.3)
    ? 'exponential'
    : 'explicit';
  const instruments = makeInstruments(random);
  const views = makeViews(random, instruments, histogram);
  const callbacks = makeCallbacks(random, instruments, views);
  const sets = makeSets(random);
  const parts = { random, temporality, histogram, instruments, views, sets };
  const draft: Draft = {
    ...parts,
    callbacks,
    observing: callbacks.map(() => ({
      registered: false,
      collected: false,
      sets: new Map(),
    })),
    first: instruments.map(instrument => firstSets(parts, instrument)),
  };
  const rounds: Step[][] = [];
  for (let round = 0; round < 4 + random.below(4); round++) {
    rounds.push(makeRound(draft, round));
  }
  return { instruments, callbacks, views, histogram, rounds };
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
function makeViews(
  random: Random,
  instruments: InstrumentPlan[],
  histogram: Workload['histogram'],
): ViewPlan[] {
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
  return views.map(view => stated(view, histogram));
}

/**
 * The view, with the reader's default aggregation if it has none of its own: the JS SDK uses the
 * instrument's.
 */
function stated(view: ViewPlan, histogram: Workload['histogram']): ViewPlan {
  const { selector, stream } = view;
  const ofReader = !stream.aggregation || 'default' in stream.aggregation;
  return ofReader &&
    histogram === 'exponential' &&
    selector.instrument_name?.startsWith('histogram.')
    ? {
        selector,
        stream: {
          ...stream,
          aggregation: { base2_exponential_bucket_histogram: {} },
        },
      }
    : view;
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
function matches(selector: ViewSelector, instrument: InstrumentPlan): boolean {
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

/** The streams that an instrument feeds: those of its views, or one that is as it is. */
export function streamsOf(
  { views }: Pick<Workload, 'views'>,
  instrument: InstrumentPlan,
): ViewStream[] {
  const streams = views
    .filter(({ selector }) => matches(selector, instrument))
    .map(({ stream }) => stream);
  return streams.length > 0 ? streams : [{}];
}

function isExponential(
  { histogram }: Pick<Workload, 'histogram'>,
  instrument: InstrumentPlan,
  { aggregation }: ViewStream,
): boolean {
  return aggregation && !('default' in aggregation)
    ? 'base2_exponential_bucket_histogram' in aggregation
    : instrument.kind === 'histogram' && histogram === 'exponential';
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

/** What is left of a set in a stream, as text. */
function filteredText(
  set: AttributeInput,
  { attribute_keys }: ViewStream,
): string {
  return attributeText(
    Object.fromEntries(
      Object.entries(set ?? {}).filter(
        ([key]) =>
          (attribute_keys?.included?.includes(key) ?? true) &&
          !attribute_keys?.excluded?.includes(key),
      ),
    ),
  );
}

/** The first of those sets that a stream would make one. */
function distinctSets(
  sets: AttributeInput[],
  stream: ViewStream,
): AttributeInput[] {
  const distinct = new Map<string, AttributeInput>();
  for (const set of sets) {
    const text = filteredText(set, stream);
    if (!distinct.has(text)) {
      distinct.set(text, set);
    }
  }
  return [...distinct.values()];
}

/**
 * The sets that take up the limit of an instrument's stream under delta temporality. Every interval
 * begins with them, because an SDK "MAY choose an arbitrary subset of attribute sets to output"
 * (Metrics SDK specification, "Synchronous instrument cardinality limits"): the JS SDK chooses the
 * first of each interval, ours the first of all.
 */
function firstSets(
  parts: Pick<Draft, 'random' | 'temporality' | 'sets' | 'views'>,
  instrument: InstrumentPlan,
): AttributeInput[] {
  const { random, temporality, sets } = parts;
  const limited = streamsOf(parts, instrument).find(
    stream => stream.aggregation_cardinality_limit !== undefined,
  );
  return limited && isDelta(instrument.kind, temporality)
    ? distinctSets(random.shuffled(sets), limited).slice(
        0,
        limited.aggregation_cardinality_limit,
      )
    : [];
}

/** A set that shares nothing with the given one. */
export function copyAttributes(set: AttributeInput): AttributeInput {
  return (
    set &&
    Object.fromEntries(
      Object.entries(set).map(([key, value]) => [
        key,
        Array.isArray(value) ? [...(value as unknown[])] : value,
      ]),
    )
  );
}

/** The same set in another order, now and then with values that count for nothing. */
function varied(random: Random, set: AttributeInput): AttributeInput {
  if (!set) {
    return random.chance(0.15) ? null : undefined;
  }
  const entries = Object.entries(copyAttributes(set)!);
  if (random.chance(0.15)) {
    entries.push([`odd${random.below(3)}`, random.pick(ODD_VALUES)]);
  }
  return Object.fromEntries(random.shuffled(entries));
}

function makeRound(draft: Draft, round: number): Step[] {
  const { random, callbacks, observing } = draft;
  const steps: Step[] = [];
  callbacks.forEach((callback, index) => {
    const state = observing[index];
    const mayStop = callback.instruments.every(
      instrument => keptSets(draft, state, instrument).length === 0,
    );
    if (round === 0 || random.chance(0.8)) {
      steps.push(observe(draft, index, round));
    }
    const luck = random.next();
    const registers = round === 0 ? 0.9 : 0.2;
    if (luck < registers) {
      steps.push({ type: 'register', callback: index });
      state.registered = true;
    } else if (luck > 0.85 && mayStop) {
      steps.push({ type: 'unregister', callback: index });
      state.registered = false;
    }
    state.collected = state.registered;
  });
  return [...steps, ...makeRecords(draft)];
}

/**
 * What a callback has observed of an instrument and has to go on observing: the JS SDK exports a
 * cumulative set for ever.
 */
function keptSets(
  { instruments, temporality }: Draft,
  { collected, sets }: Observing,
  instrument: number,
): AttributeInput[] {
  return collected && !isDelta(instruments[instrument].kind, temporality)
    ? (sets.get(instrument) ?? [])
    : [];
}

function observe(draft: Draft, callback: number, round: number): Step {
  const { random, instruments, sets } = draft;
  const state = draft.observing[callback];
  const observations: Observation[] = [];
  for (const instrument of draft.callbacks[callback].instruments) {
    const plan = instruments[instrument];
    const fresh = random.shuffled(sets).slice(0, random.below(6));
    // The JS SDK takes the last of the values of a sum whose sets become one, and not their sum.
    const filtered = isSum(plan.kind)
      ? streamsOf(draft, plan).find(stream => stream.attribute_keys)
      : undefined;
    const chosen = random.shuffled(
      distinctSets(
        [...keptSets(draft, state, instrument), ...fresh],
        filtered ?? {},
      ),
    );
    state.sets.set(instrument, chosen);
    for (const set of chosen) {
      observations.push({
        instrument,
        // Counters mostly grow, and now and then start over.
        value:
          plan.kind === 'observableCounter'
            ? (random.chance(0.9) ? round * 1000 : 0) + random.below(4000) / 4
            : makeValue(random, plan),
        // Callbacks of one instrument never observe the same set.
        attributes: { ...varied(random, set), callback },
      });
    }
  }
  return { type: 'observe', callback, observations };
}

/** What the program records between two collections. */
function makeRecords(draft: Draft): Step[] {
  const { random, instruments, first, sets } = draft;
  const synchronous = instruments
    .map((_, index) => index)
    .filter(index => !isObservable(instruments[index].kind));
  const steps: Step[] = [];
  /** By instrument and set, the signs of what counted. */
  const counted = instruments.map(() => new Map<AttributeInput, Set<number>>());
  const record = (instrument: number, value: unknown, set: AttributeInput) => {
    steps.push({
      type: 'record',
      instrument,
      value,
      attributes: varied(random, set),
    });
    const sign = signOf(value, instruments[instrument]);
    if (sign !== undefined) {
      const signs = counted[instrument].get(set) ?? new Set();
      counted[instrument].set(set, signs.add(sign));
    }
  };
  for (const instrument of synchronous) {
    for (const set of first[instrument]) {
      record(instrument, makeValueOf(random, instruments[instrument], 1), set);
    }
  }
  for (let step = 0; step < 400; step++) {
    const instrument = random.pick(synchronous);
    if (random.chance(0.01)) {
      steps.push({ type: 'again', instrument });
    }
    record(
      instrument,
      makeValue(random, instruments[instrument]),
      random.pick(sets),
    );
  }
  instruments.forEach((plan, instrument) => {
    for (const [set, signs] of counted[instrument]) {
      for (const sign of missingSides(draft, plan, signs)) {
        record(instrument, makeValueOf(random, plan, sign), set);
      }
    }
  });
  return steps;
}

/**
 * The sides of zero on which a set must count something more before it is collected. Where one of two
 * intervals counted nothing above zero, or nothing below, the JS SDK makes room for the buckets around
 * index 0 when it merges them; and where the earlier one counted only zeros, it goes down to scale 0.
 */
function missingSides(
  draft: Draft,
  instrument: InstrumentPlan,
  signs: Set<number>,
): number[] {
  const merged =
    !isDelta(instrument.kind, draft.temporality) &&
    streamsOf(draft, instrument).some(stream =>
      isExponential(draft, instrument, stream),
    );
  const sides = isSigned(instrument.kind) ? [1, -1] : [1];
  return merged ? sides.filter(side => !signs.has(side)) : [];
}

/** The sign of a value as the instrument counts it, or `undefined` if it does not. */
function signOf(value: unknown, plan: InstrumentPlan): number | undefined {
  if (
    typeof value !== 'number' ||
    !Number.isFinite(value) ||
    (value < 0 && !isSigned(plan.kind))
  ) {
    return undefined;
  }
  return Math.sign(plan.int ? Math.trunc(value) : value);
}

function makeValueOf(
  random: Random,
  plan: InstrumentPlan,
  sign: number,
): unknown {
  for (;;) {
    const value = makeValue(random, plan);
    if (signOf(value, plan) === sign) {
      return value;
    }
  }
}

/** Both SDKs leave these out; NaN only ours does, see faults.ts. */
function makeInvalid(random: Random, { kind }: InstrumentPlan): unknown {
  return random.pick<unknown>([
    '5',
    null,
    undefined,
    5n,
    ...(isSum(kind) ? [NaN] : []),
    ...(isSigned(kind) ? [] : [-Infinity]),
  ]);
}

function makeValue(random: Random, plan: InstrumentPlan): unknown {
  if (random.chance(0.04)) {
    // What observable instruments are given is checked in instruments/values.test.ts.
    return isObservable(plan.kind) ? 0 : makeInvalid(random, plan);
  }
  if (random.chance(0.08)) {
    return random.pick([0, -0]);
  }
  const signed = isSigned(plan.kind);
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
