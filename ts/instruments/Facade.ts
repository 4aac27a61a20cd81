import type {
  NativeFacade,
  NativeInstrument,
  NativeObservations,
  NativeProvider,
  NativeRun,
  NativeShape,
} from '../../binding';
import { MetricFilters, type Questions } from './MetricFilters';
import { log, logLine } from '../common/log';
import { MeterFunction } from './MeterFunction';
import { textOf } from '../common/text';
import {
  type JsonSet,
  type Path,
  readSet,
  sizeOf,
  writeSet,
} from './attributes';
import { ExemplarReservoirs } from './ExemplarReservoirs';
import {
  type ExemplarFilter,
  Exemplars,
  hasContextManager,
  type Reservoirs,
} from './Exemplars';
import type { CallbackRunner, Run } from './CallbackRunner';
import { SampleBlock } from './SampleBlock';
import { SharedTexts } from './SharedTexts';
import { Slots } from './Slots';
import { Cells, type CountedStorage, Storage } from './storage';

/** What the configuration makes of an instrument. */
export type Shape = Omit<NativeShape, 'id'>;

/** What an instrument can be told by the engine. */
export interface Reshapable {
  reshape(shape: Shape): void;
  /** The cells of its storage may be others. */
  findCells(): void;
  /** Gives the slot back of a series that the engine let go of, unless it is in use. */
  releaseIdle(storage: Storage, slot: number, path: Path): void;
  /** Has values captured for exemplars, by storage, from now on or no longer. */
  capture(
    exemplars: readonly Exemplars[] | undefined,
    reservoirs: Reservoirs | undefined,
  ): void;
  /** A reservoir of the program's failed. */
  readonly failedReservoir: (problem: string) => void;
}

type Message =
  | { type: 'collect'; runs: Run[] }
  | { type: 'configured' }
  | { type: 'meters' }
  | { type: 'filter'; filter: number; questions: Questions[] }
  | { type: 'release'; slots: Idle[] }
  | { type: 'log' };

type Idle = [instrument: number, storage: number, slot: number, set: JsonSet];

/**
 * One thread's side of a provider: its cells, its block and the way to the engine. Recording
 * writes numbers here; a native call happens when a block is full and once a collection.
 */
export class Facade {
  private readonly native: NativeFacade;
  private readonly slots = new Slots();
  private readonly cells = [new Cells(-0), new Cells(NaN)];
  private readonly exemplars = [
    new Exemplars(Storage.Sum),
    new Exemplars(Storage.Gauge),
    new Exemplars(Storage.Block),
  ];
  private filter: ExemplarFilter = 'always_off';
  private captures = false;
  readonly filters = new MetricFilters();
  readonly reservoirs: ExemplarReservoirs;
  readonly meters: MeterFunction;
  readonly texts = new SharedTexts();
  readonly block = new SampleBlock(() => this.pushBlock());
  private readonly instruments = new Map<number, Reshapable>();
  /** The engine's way here. It holds this weakly: a facade that nothing else holds is gone. */
  private readonly onMessage = (json: string) => this.receive(json);

  constructor(
    readonly provider: NativeProvider,
    private readonly callbacks: CallbackRunner,
  ) {
    this.native = provider.attach(this.onMessage);
    // Jest takes what is created below a test for a handle that the test left open. Nothing would
    // arrive any earlier.
    void Promise.resolve().then(() => this.native.listen(this.onMessage));
    this.meters = new MeterFunction(provider);
    this.reservoirs = new ExemplarReservoirs(this.id, provider);
  }

  /** The number the engine knows this thread by. */
  get id(): number {
    return this.native.id;
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
      this.reservoirs.plan(native.id, native, instrument.failedReservoir);
      this.look();
      this.equip(instrument, native.id);
    }
    return instrument;
  }

  /** The cells of a storage, where it has any. */
  cellsOf(storage: Storage): Cells | undefined {
    return this.cells[storage];
  }

  /** A slot for a set of an instrument that has none. */
  takeSlot(instrument: number, storage: CountedStorage, path: Path): number {
    const slot = this.slots.take(storage, instrument, path, sizeOf(path));
    if (this.slots.areManyWaiting) {
      this.pushBlock();
    }
    if (this.cellsOf(storage)?.reach(slot)) {
      this.instruments.forEach(one => one.findCells());
    }
    return slot;
  }

  /** Gives a slot back. The caller has handed its cell over. */
  releaseSlot(storage: Storage, slot: number): void {
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
    exemplars.forget(slot);
    this.slots.release(storage, slot);
    if (this.slots.areManyWaiting) {
      this.pushBlock();
    }
  }

  /** Removes a series on all threads. */
  remove(instrument: number, path: Path): void {
    this.reservoirs.of(instrument)?.remove(path);
    this.native.remove(instrument, writeSet(path));
  }

  /** Removes every series of an instrument on all threads. */
  clear(instrument: number): void {
    this.reservoirs.of(instrument)?.clear();
    this.native.clear(instrument);
  }

  /** Hands over what one slot holds, and every sample before it. */
  handOverSlot(
    instrument: number,
    storage: CountedStorage,
    slot: number,
  ): void {
    if (this.reservoirs.of(instrument)) {
      this.handOverOf(instrument);
      return;
    }
    this.native.handOverSlot(
      this.slots.takeChanges(),
      storage,
      slot,
      this.cellsOf(storage)?.take(slot),
      this.block.take(),
      storage === Storage.Block
        ? this.exemplars[storage].take()
        : [
            ...this.exemplars[Storage.Block].take(),
            ...this.exemplars[storage].takeOf(slot),
          ],
    );
  }

  /** Hands over everything, with what all reservoirs of the program's chose: their streams may end. */
  handOverAll(observations?: NativeObservations): void {
    this.handOver(observations, undefined, false, this.reservoirs.collect());
  }

  /** Hands over everything, with what the reservoirs of an instrument chose. */
  handOverOf(instrument: number): void {
    const given = this.reservoirs.collect({ instrument });
    this.handOver(undefined, undefined, false, given);
  }

  /** Hands over everything recorded so far, in one native call. */
  handOver(
    observations?: NativeObservations,
    run?: NativeRun,
    answers = false,
    given?: string,
  ): void {
    this.native.handOver(
      this.slots.takeChanges(),
      this.cells[Storage.Sum].values,
      this.cells[Storage.Gauge].values,
      this.block.take(),
      this.exemplars.flatMap(exemplars => exemplars.take()),
      given,
      observations,
      run,
      answers,
    );
    this.exemplars.forEach(exemplars => exemplars.beginInterval());
  }

  /** Hands over what was recorded since the last time; whether anything was. */
  settle(): boolean {
    const recorded =
      !this.block.isEmpty || this.cells.some(cells => cells.isAnyTouched);
    if (recorded) {
      this.handOver();
    }
    return recorded;
  }

  /** The last hand-over of this thread: synchronous callbacks run, nobody waits for others. */
  handOverAtExit(): void {
    this.handOverAll(this.callbacks.runSync());
    this.decideAll();
    this.provider.leave(this.id);
  }

  /** Decides whatever is to be decided for the last export: about metrics first, then their series. */
  private decideAll(): void {
    for (let round = 0; round < 2 && !this.filters.isEmpty; round++) {
      const undecided = this.native.undecided() ?? '[]';
      const all = JSON.parse(undecided) as [number, Questions[]][];
      all.forEach(([filter, questions]) => this.decide(filter, questions));
    }
  }

  private decide(filter: number, questions: Questions[]): void {
    this.native.decide(filter, this.filters.answer(filter, questions));
  }

  /** Logs what the engine has to say. */
  takeLog(): void {
    this.provider.takeLog().forEach(logLine);
  }

  private pushBlock(): void {
    const exemplars = this.exemplars[Storage.Block].take();
    this.native.pushBlock(
      this.slots.takeChanges(),
      this.block.take(),
      exemplars,
    );
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
      case 'filter':
        this.decide(message.filter, message.questions);
        break;
      case 'meters':
        this.meters.answer();
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
      const { reader } = run;
      const given = answers ? this.reservoirs.collect({ reader }) : undefined;
      this.handOver(observations, run, answers, given);
    } catch (error) {
      log('error', `internal error: nothing was handed over: ${textOf(error)}`);
    }
  }

  /** After a configuration: instruments learn where their values belong now. */
  reshape(): void {
    this.handOver();
    for (const shape of this.provider.shapes()) {
      const instrument = this.instruments.get(shape.id);
      if (instrument) {
        instrument.reshape(shape);
        this.reservoirs.plan(shape.id, shape, instrument.failedReservoir);
      }
    }
    this.filter = (this.provider.exemplars() as ExemplarFilter) ?? this.filter;
    for (const exemplars of this.exemplars) {
      exemplars.filter = this.filter;
    }
    this.reservoirs.offersAll = this.filter === 'always_on';
    this.look();
    // Storages may be others now.
    this.equipAll();
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
      this.equipAll();
    }
  }

  private equipAll(): void {
    this.instruments.forEach((instrument, id) => this.equip(instrument, id));
  }

  private equip(instrument: Reshapable, id: number): void {
    const exemplars = this.captures ? this.exemplars : undefined;
    instrument.capture(exemplars, this.reservoirs.of(id));
  }

  private release(slots: Idle[]): void {
    for (const [instrument, storage, slot, set] of slots) {
      const path = readSet(set);
      this.reservoirs.of(instrument)?.release(path);
      this.instruments
        .get(instrument)
        ?.releaseIdle(storage as Storage, slot, path);
    }
  }
}
