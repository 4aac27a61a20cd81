import {
  context as contexts,
  type Context,
  type HrTime,
  ROOT_CONTEXT,
  TraceFlags,
} from '@opentelemetry/api';
import type { NativeProvider, NativeReserved } from '../../binding';
import { toJson } from '../common/json';
import type { ExemplarReservoirFactory } from '../options/exemplarReservoir';
import type { Path } from './attributes';
import { type ExemplarOwner, type Reservoirs, spanOf } from './Exemplars';
import { ReservedStream } from './ReservedStream';

/** What an instrument says of its streams whose reservoirs are a program's. */
interface Reserving {
  reserved: NativeReserved[];
  samples: boolean;
}

/** Counts and reports a reservoir that failed. */
type Failed = (problem: string) => void;

/**
 * The reservoirs of the program's of one environment, which runs them: no others' values are offered to
 * them.
 */
export class ExemplarReservoirs {
  private readonly functions = new Map<number, ExemplarReservoirFactory>();
  private readonly numbers = new Map<ExemplarReservoirFactory, number>();
  private readonly instruments = new Map<number, InstrumentReservoirs>();
  private next = 0;
  /** Whether values are offered that are recorded outside of sampled spans too. */
  offersAll = false;

  constructor(
    private readonly facade: number,
    private readonly native: NativeProvider,
  ) {}

  /** @returns what the engine knows the function by: the same for the same function */
  add(make: ExemplarReservoirFactory): number {
    let number = this.numbers.get(make);
    if (number === undefined) {
      number = this.next++;
      this.numbers.set(make, number);
      this.functions.set(number, make);
    }
    return number;
  }

  /** Views have these functions, and no others. */
  keep(numbers: number[]): void {
    for (const [make, number] of [...this.numbers]) {
      if (!numbers.includes(number)) {
        this.numbers.delete(make);
        this.functions.delete(number);
      }
    }
  }

  /** Takes on what the configuration makes of an instrument. */
  plan(id: number, { reserved, samples }: Reserving, failed: Failed): void {
    const own = reserved.filter(({ facade }) => facade === this.facade);
    if (own.length === 0) {
      this.instruments.delete(id);
      return;
    }
    let instrument = this.instruments.get(id);
    if (!instrument) {
      instrument = new InstrumentReservoirs(this);
      this.instruments.set(id, instrument);
    }
    const streams = own.flatMap(plan => {
      const before = instrument.streams.find(stream => stream.goesOn(plan));
      const make = this.functions.get(plan.number);
      if (before || !make) {
        return before ?? [];
      }
      const asks = (key: string) =>
        this.native.reservationKeeps(id, plan.stream, key);
      return new ReservedStream(plan, make, asks, failed);
    });
    instrument.streams = streams;
    instrument.areBesideOthers = samples;
  }

  of(id: number): InstrumentReservoirs | undefined {
    return this.instruments.get(id);
  }

  /**
   * What reservoirs chose since they were last collected, for the engine: those of the streams that a
   * reader collects, or of an instrument, or all.
   */
  collect(
    some: { reader?: number; instrument?: number } = {},
  ): string | undefined {
    const { reader, instrument } = some;
    const given: unknown[] = [];
    for (const [id, { streams }] of this.instruments) {
      if (instrument !== undefined && instrument !== id) {
        continue;
      }
      for (const stream of streams) {
        if (reader === undefined || stream.isReadBy(reader)) {
          const chosen = stream.collect();
          given.push(...chosen.map(one => [id, stream.stream, ...one]));
        }
      }
    }
    return given.length === 0 ? undefined : toJson(given);
  }
}

/** The reservoirs of one instrument. */
export class InstrumentReservoirs implements Reservoirs {
  streams: ReservedStream[] = [];
  areBesideOthers = false;
  private isOffering = false;

  constructor(private readonly all: ExemplarReservoirs) {}

  offer(
    value: number,
    owner: ExemplarOwner,
    attributes: object | null | undefined,
    given: Context | undefined,
  ): void {
    // What a reservoir itself records is not offered to it: that would have no end.
    if (this.isOffering || !(this.all.offersAll || isSampled(given))) {
      return;
    }
    this.isOffering = true;
    try {
      const measurement = {
        value: owner.int ? Math.trunc(value) : value,
        time: now(),
        path: owner.complete(attributes),
        context: contextOf(given),
      };
      this.streams.forEach(stream => stream.offer(measurement));
    } finally {
      this.isOffering = false;
    }
  }

  /** Lets go of a series that was removed. */
  remove(path: Path): void {
    this.streams.forEach(stream => stream.remove(path, false));
  }

  /** Lets go of a series that the engine let go, unless there are values since. */
  release(path: Path): void {
    this.streams.forEach(stream => stream.remove(path, true));
  }

  clear(): void {
    this.streams.forEach(stream => stream.clear());
  }
}

function isSampled(given: Context | undefined): boolean {
  const span = spanOf(given);
  return span !== undefined && (span.traceFlags & TraceFlags.SAMPLED) !== 0;
}

/** What a program passes for a context may be anything. */
function contextOf(given: Context | undefined): Context {
  try {
    return typeof given?.getValue === 'function' ? given : contexts.active();
  } catch {
    return ROOT_CONTEXT;
  }
}

function now(): HrTime {
  const milliseconds = Date.now();
  const seconds = Math.floor(milliseconds / 1000);
  return [seconds, (milliseconds - seconds * 1000) * 1_000_000];
}
