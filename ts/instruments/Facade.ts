import type {
  NativeInstrument,
  NativeObservations,
  NativeProvider,
  NativeRun,
  NativeShape,
} from '../../binding';
import { log, logLine } from '../log';
import { textOf } from '../text';
import type { ObservableCallbacks, Run } from './ObservableCallbacks';
import { type ExemplarFilter, Exemplars, hasContextManager } from './Exemplars';
import { SampleBlock } from './SampleBlock';
import { SharedTexts } from './SharedTexts';
import {
  CellChunks,
  type CountedStorage,
  EMPTY,
  Series,
  type SeriesOwner,
  SlotTable,
  Storage,
} from './storage';

/** Registrations that may wait for the next hand-over before they are sent on their own. */
const PENDING_SERIES = 1024;
/** Characters in them: joined, those of 1024 long texts could be more than a string may have. */
const PENDING_CHARACTERS = 2 ** 20;

/** What the configuration makes of an instrument. */
export type Shape = Omit<NativeShape, 'id'>;

/** What an instrument can be told by the engine. */
export interface Reshapable {
  reshape(shape: Shape): void;
  /** Has values captured for exemplars, by storage, from now on or no longer. */
  capture(exemplars: readonly Exemplars[] | undefined): void;
}

type Message =
  | { type: 'collect'; runs: Run[] }
  | { type: 'configured' }
  | { type: 'release'; slots: [storage: number, slot: number][] }
  | { type: 'log' };

/**
 * One thread's side of a provider: its cells, its block and the way to the engine. Recording
 * writes numbers here; a native call happens when a block is full and once a collection.
 */
export class Facade {
  /** The number the engine knows this thread by. */
  readonly id: number;
  private readonly sums = new CellChunks(-0);
  private readonly gauges = new CellChunks(NaN);
  private readonly tables = [new SlotTable(), new SlotTable(), new SlotTable()];
  private readonly exemplars = [
    new Exemplars(Storage.Sum),
    new Exemplars(Storage.Gauge),
    new Exemplars(Storage.Block),
  ];
  private filter: ExemplarFilter = 'always_off';
  private captures = false;
  readonly texts = new SharedTexts();
  readonly block = new SampleBlock(() => this.pushBlock());
  /** New series and slots given back, as JSON and in order, since the last native call. */
  private pending: string[] = [];
  private pendingCharacters = 0;
  private readonly instruments = new Map<number, Reshapable>();
  /** The engine's way here. It holds this weakly: a facade that nothing else holds is gone. */
  private readonly onMessage = (json: string) => this.receive(json);

  constructor(
    readonly native: NativeProvider,
    private readonly callbacks: ObservableCallbacks,
  ) {
    this.id = native.attach(this.onMessage);
  }

  /** The instrument with this number: the same object for the same registration. */
  instrument<T extends Reshapable>(
    native: NativeInstrument,
    make: (native: NativeInstrument) => T,
  ): T {
    let instrument = this.instruments.get(native.id) as T | undefined;
    if (!instrument) {
      instrument = make(native);
      this.instruments.set(native.id, instrument);
      this.look();
      this.equip(instrument);
    }
    return instrument;
  }

  /** Makes a series and tells the engine with the next hand-over. */
  addSeries(owner: SeriesOwner, storage: CountedStorage, text: string): Series {
    const slot = this.tables[storage].take();
    const chunks = this.chunks(storage);
    const series = new Series(
      storage,
      slot,
      chunks?.cells(slot) ?? EMPTY,
      chunks?.index(slot) ?? 0,
      owner,
      text,
    );
    this.register(owner, series);
    return series;
  }

  /** Gives a series a place in another storage. Its cell has been handed over. */
  moveSeries(
    owner: SeriesOwner,
    series: Series,
    storage: CountedStorage,
  ): void {
    this.dropSeries(series);
    series.storage = storage;
    series.slot = this.tables[storage].take();
    const chunks = this.chunks(storage);
    series.cells = chunks?.cells(series.slot) ?? EMPTY;
    series.index = chunks?.index(series.slot) ?? 0;
    this.register(owner, series);
  }

  private register(owner: SeriesOwner, series: Series): void {
    const { storage, slot, text } = series;
    this.tables[storage as CountedStorage].set(series);
    const registration = `[${owner.id},${storage},${slot},${text}]`;
    this.pending.push(registration);
    this.pendingCharacters += registration.length;
    if (
      this.pending.length >= PENDING_SERIES ||
      this.pendingCharacters >= PENDING_CHARACTERS
    ) {
      this.pushBlock();
    }
  }

  /**
   * Gives a slot back. The caller has handed its cell over. Whoever still holds the series, because
   * it was dropped while its attributes were being read, sees that it has no storage.
   */
  dropSeries(series: Series): void {
    const { storage, slot } = series;
    if (storage === Storage.None) {
      return;
    }
    const exemplars = this.exemplars[storage];
    if (
      storage === Storage.Block &&
      !(this.block.isEmpty && exemplars.isEmpty)
    ) {
      // Samples of this slot may wait in the block, and slots are given back before values count.
      this.pushBlock();
    }
    exemplars.forget(series);
    this.tables[storage].release(slot);
    this.pending.push(`[${storage},${slot}]`);
    series.storage = Storage.None;
  }

  /** Hands over what one series holds, and every sample before it. */
  handOverSeries(series: Series): void {
    const only = (storage: Storage, chunks: CellChunks) =>
      series.storage === storage ? chunks.only(series) : [];
    this.native.handOver(
      this.id,
      this.takePending(),
      only(Storage.Sum, this.sums),
      only(Storage.Gauge, this.gauges),
      this.block.take(),
      [
        ...this.exemplars[Storage.Block].take(),
        ...(series.storage === Storage.None
          ? []
          : this.exemplars[series.storage].takeOf(series)),
      ],
      undefined,
      undefined,
      false,
    );
  }

  /** Hands over everything recorded so far, in one native call. */
  handOver(
    observations?: NativeObservations,
    run?: NativeRun,
    answers = false,
  ): void {
    this.native.handOver(
      this.id,
      this.takePending(),
      this.sums.chunks,
      this.gauges.chunks,
      this.block.take(),
      this.exemplars.flatMap(exemplars => exemplars.take()),
      observations,
      run,
      answers,
    );
    this.exemplars.forEach(exemplars => exemplars.beginInterval());
  }

  /** Hands over what was recorded since the last time; whether anything was. */
  settle(): boolean {
    const recorded =
      this.pending.length > 0 ||
      !this.block.isEmpty ||
      this.sums.isAnyTouched ||
      this.gauges.isAnyTouched;
    if (recorded) {
      this.handOver();
    }
    return recorded;
  }

  /** The last hand-over of this thread: synchronous callbacks run, nobody waits for others. */
  handOverAtExit(): void {
    this.handOver(this.callbacks.runSync());
    this.native.leave(this.id);
  }

  /** Logs what the engine has to say. */
  takeLog(): void {
    this.native.takeLog().forEach(logLine);
  }

  private pushBlock(): void {
    const { slots, values, count } = this.block.take();
    this.native.pushBlock(
      this.id,
      this.takePending(),
      slots,
      values,
      count,
      this.exemplars[Storage.Block].take(),
    );
  }

  private takePending(): string | undefined {
    if (this.pending.length === 0) {
      return undefined;
    }
    const json = `[${this.pending.join()}]`;
    this.pending = [];
    this.pendingCharacters = 0;
    return json;
  }

  private chunks(storage: Storage): CellChunks | undefined {
    if (storage === Storage.Sum) {
      return this.sums;
    }
    return storage === Storage.Gauge ? this.gauges : undefined;
  }

  /** Nothing may throw from here: it would be an uncaught exception of the program. */
  private receive(json: string): void {
    try {
      this.act(JSON.parse(json) as Message);
    } catch (error) {
      log('error', `internal error: ${json} was not done: ${textOf(error)}`);
    }
  }

  private act(message: Message): void {
    switch (message.type) {
      case 'collect':
        this.look();
        for (const run of message.runs) {
          this.callbacks.run(run, (observations, answers) =>
            this.answer(run, observations, answers),
          );
        }
        break;
      case 'configured':
        this.reshape();
        break;
      case 'release':
        this.release(message.slots);
        break;
      case 'log':
        this.takeLog();
        break;
      default:
        break;
    }
  }

  private answer(
    run: NativeRun,
    observations: NativeObservations | undefined,
    answers: boolean,
  ): void {
    try {
      this.handOver(observations, run, answers);
    } catch (error) {
      log('error', `internal error: nothing was handed over: ${textOf(error)}`);
    }
  }

  /** After a configuration: instruments learn where their values belong now. */
  reshape(): void {
    this.handOver();
    for (const shape of this.native.shapes()) {
      this.instruments.get(shape.id)?.reshape(shape);
    }
    this.filter = (this.native.exemplars() as ExemplarFilter) ?? this.filter;
    for (const exemplars of this.exemplars) {
      exemplars.filter = this.filter;
    }
    this.look();
    // Storages may be others now.
    this.instruments.forEach(instrument => this.equip(instrument));
  }

  /**
   * Looks whether values can become exemplars: a tracer may have been registered since. While none is,
   * a record does nothing for them.
   */
  private look(): void {
    const captures =
      this.filter === 'always_on' ||
      (this.filter === 'trace_based' && hasContextManager());
    if (captures !== this.captures) {
      this.captures = captures;
      this.instruments.forEach(instrument => this.equip(instrument));
    }
  }

  private equip(instrument: Reshapable): void {
    instrument.capture(this.captures ? this.exemplars : undefined);
  }

  /** The engine let go of idle series; those still idle lose their leaf and slot. */
  private release(slots: [storage: number, slot: number][]): void {
    for (const [storage, slot] of slots) {
      const series = this.tables[storage as CountedStorage]?.get(slot);
      const touched = series && this.chunks(series.storage)?.isTouched(series);
      if (series && !touched && !series.owner?.holds(series)) {
        series.owner?.dropSeries(series);
      }
    }
  }
}
