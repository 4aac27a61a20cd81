import {
  type Attributes,
  type BatchObservableCallback,
  type Observable,
  ValueType,
} from '@opentelemetry/api';
import type { NativeInstrument } from '../../binding';
import { callSite } from './callSite';
import { native } from '../common/errors';
import type { InstrumentKind, InstrumentSource } from './InstrumentSource';
import type { Diagnostics } from './Diagnostics';
import type { Facade } from './Facade';
import type { HistogramClass } from './histogram';
import { NativeObservable } from './observable';
import type { ObservableCallbacks } from './ObservableCallbacks';
import { NativeCounter, NativeGauge, NativeUpDownCounter } from './synchronous';
import { toJson } from '../common/json';
import { log } from '../common/log';
import { readTexts } from '../common/readTexts';
import type { InstrumentOptions } from './types';
import { messageOf, shortened, textOf } from '../common/text';

/** Registers an instrument: plain meters under the name given, services under the full name. */
export type Register = (request: string) => NativeInstrument;

/** The parts of a provider that instruments are made of. */
export interface InstrumentContext {
  facade: Facade;
  diagnostics: Diagnostics;
  callbacks: ObservableCallbacks;
  Histogram: HistogramClass;
}

/** Makes instruments of one scope; a registration repeated gives the same object. */
export class InstrumentFactory implements InstrumentSource {
  private readonly known = new Map<string, unknown>();

  constructor(
    private readonly context: InstrumentContext,
    private readonly register: Register,
  ) {}

  counter<T extends Attributes>(name: string, options?: InstrumentOptions) {
    return this.create('counter', name, options, instrument => {
      const { facade, diagnostics } = this.context;
      return new NativeCounter<T>(
        facade,
        instrument,
        diagnostics,
        isInt(options),
      );
    });
  }

  upDownCounter<T extends Attributes>(
    name: string,
    options?: InstrumentOptions,
  ) {
    return this.create('upDownCounter', name, options, instrument => {
      const { facade, diagnostics } = this.context;
      return new NativeUpDownCounter<T>(
        facade,
        instrument,
        diagnostics,
        isInt(options),
      );
    });
  }

  histogram<T extends Attributes>(name: string, options?: InstrumentOptions) {
    return this.create('histogram', name, options, instrument => {
      const { facade, diagnostics, Histogram } = this.context;
      return new Histogram<T>(facade, instrument, diagnostics, isInt(options));
    });
  }

  gauge<T extends Attributes>(name: string, options?: InstrumentOptions) {
    return this.create('gauge', name, options, instrument => {
      const { facade, diagnostics } = this.context;
      return new NativeGauge<T>(
        facade,
        instrument,
        diagnostics,
        isInt(options),
      );
    });
  }

  observable<T extends Attributes>(
    kind: InstrumentKind,
    name: string,
    options?: InstrumentOptions,
  ) {
    return this.create(kind, name, options, instrument => {
      const { facade, diagnostics, callbacks } = this.context;
      return new NativeObservable<T>(
        facade,
        instrument,
        diagnostics,
        callbacks,
        isInt(options),
        kind === 'observableCounter',
      );
    });
  }

  addBatch(callback: BatchObservableCallback, observables: Observable[]): void {
    this.context.callbacks.addBatch(callback, observables);
  }

  removeBatch(
    callback: BatchObservableCallback,
    observables: Observable[],
  ): void {
    this.context.callbacks.removeBatch(callback, observables);
  }

  private create<T extends NativeObservable | NativeCounter | object>(
    kind: InstrumentKind,
    name: string,
    options: InstrumentOptions | undefined,
    make: (instrument: NativeInstrument) => T,
  ): T {
    const { texts, problems } = readTexts(() => ({
      unit: options?.unit,
      description: options?.description,
    }));
    const identity = {
      kind,
      // What is no text is no name either: the native side refuses it with what it looks like.
      name: shortened(
        typeof name === 'string' ? name : textOf(name),
      ).toWellFormed(),
      unit: texts.unit ?? '',
      description: texts.description ?? '',
      int: isInt(options),
      boundaries: readBoundaries(options),
      attributes: readKeys(options),
    };
    // Some programs create an instrument where they record: that must not cost a native call.
    const key = toJson(identity);
    const known = this.known.get(key) as T | undefined;
    if (known) {
      return known;
    }
    const instrument = native(() =>
      this.register(toJson({ ...identity, site: callSite() })),
    );
    for (const problem of problems) {
      log(
        'warn',
        `metric ${JSON.stringify(shortened(identity.name, 64))}: ${problem}`,
      );
    }
    const made = this.context.facade.instrument(instrument, make as never);
    this.known.set(key, made);
    return made as T;
  }
}

/** Bounds that are read: with more, a histogram is a mistake. */
const MOST_BOUNDARIES = 10_000;

/**
 * JSON has no infinities; a last bound of +Infinity, or a first of -Infinity, is implied. What is no
 * bound is the native side's to report: it is text then.
 */
function readBoundaries(options: InstrumentOptions | undefined) {
  try {
    const given: unknown = options?.advice?.explicitBucketBoundaries;
    if (given === undefined || given === null) {
      return undefined;
    }
    if (!Array.isArray(given)) {
      return [textOf(given)];
    }
    if (given.length > MOST_BOUNDARIES) {
      return [`${given.length} boundaries`];
    }
    const boundaries = (given as unknown[]).slice(
      given[0] === -Infinity ? 1 : 0,
      given.at(-1) === Infinity ? -1 : undefined,
    );
    // Not by map(), which leaves holes.
    return Array.from(boundaries, bound =>
      typeof bound === 'number' && Number.isFinite(bound)
        ? bound
        : textOf(bound),
    );
  } catch (error) {
    return [messageOf(error)];
  }
}

/** What is no list of keys is the native side's to report. */
function readKeys(options: InstrumentOptions | undefined) {
  try {
    const given: unknown = options?.advice?.attributes;
    if (given === undefined || given === null) {
      return undefined;
    }
    return Array.isArray(given)
      ? Array.from(given as unknown[], key =>
          typeof key === 'string' ? key.toWellFormed() : { found: textOf(key) },
        )
      : [{ found: textOf(given) }];
  } catch (error) {
    return [{ found: messageOf(error) }];
  }
}

function isInt(options: InstrumentOptions | undefined): boolean {
  try {
    return options?.valueType === ValueType.INT;
  } catch {
    // Reported where the texts are read, unless this alone throws: doubles hold integers too.
    return false;
  }
}
