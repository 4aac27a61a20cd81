import type {
  Attributes,
  BatchObservableCallback,
  BatchObservableResult,
  Observable,
  ObservableCallback,
  ObservableResult,
} from '@opentelemetry/api';
import { performance } from 'node:perf_hooks';
import type { NativeObservations } from '../../binding';
import { log } from '../log';
import { textOf } from '../text';
import { isThenable, settled } from '../thenable';
import { clearTimeout, setTimeout } from '../timers';
import { NativeObservable } from './observable';
import { type Series, type SeriesOwner, Storage } from './storage';

/** A callback gets this part of the time the engine waits, so that the answer arrives in time. */
const CALLBACK_SHARE = 0.8;

/** What the callbacks of one collection observed. */
class Round {
  // Not their slots: while a callback waits, a series may move or leave, and others get its slot.
  private readonly series: Series[] = [];
  private readonly values: number[] = [];
  private open = true;

  /** What is observed later belongs to no collection. */
  get isOpen(): boolean {
    return this.open;
  }

  add(series: Series, value: number): void {
    this.series.push(series);
    this.values.push(value);
  }

  /** What was observed up to now, of all or of `some` instruments. */
  read(
    unfinished: Iterable<NativeObservable>,
    some?: Set<SeriesOwner | undefined>,
  ): NativeObservations {
    const slots: number[] = [];
    const values: number[] = [];
    this.series.forEach((series, at) => {
      const isWanted = !some || some.has(series.owner);
      if (isWanted && series.storage === Storage.Block) {
        slots.push(series.slot);
        values.push(this.values[at]);
      }
    });
    return {
      slots: Uint32Array.from(slots),
      values: Float64Array.from(values),
      count: slots.length,
      unfinished: Array.from(unfinished, ({ id }) => id),
    };
  }

  close(): void {
    this.open = false;
  }
}

/** A callback that returned a promise which is not settled yet. */
interface Pending {
  observables: Set<NativeObservable>;
  settled: Promise<void>;
}

/** Gives a callback the right to observe one instrument, or several, during one round. */
class Observer implements ObservableResult, BatchObservableResult {
  constructor(
    private readonly round: Round,
    private readonly observables: Set<unknown>,
    private readonly unregistered: () => void,
    private readonly single?: NativeObservable,
  ) {}

  observe(value: number, attributes?: Attributes): void;
  observe(metric: Observable, value: number, attributes?: Attributes): void;
  observe(
    first: number | Observable,
    second?: number | Attributes,
    third?: Attributes,
  ): void {
    const [observable, value, attributes] = this.single
      ? [this.single, first, second]
      : [first, second, third];
    if (!this.observables.has(observable)) {
      this.unregistered();
      return;
    }
    (observable as NativeObservable).observe(
      this.round,
      value as number,
      attributes as Attributes | undefined,
    );
  }
}

export type ObservationRound = Pick<Round, 'add' | 'isOpen'>;

/** Takes what was observed; the last that `answers` ends the collection. */
type Taker = (
  observations: NativeObservations | undefined,
  answers: boolean,
) => void;

interface Batch {
  callback: BatchObservableCallback;
  observables: Set<NativeObservable>;
}

/** What else is done at a collection, within some milliseconds; it must not reject. */
type Producer = (patience: number) => Promise<void>;

/** The observable callbacks of one thread, run once a collection. */
export class ObservableCallbacks {
  private readonly singles = new Map<
    NativeObservable,
    Set<ObservableCallback>
  >();
  private batches: Batch[] = [];
  private readonly producers: Producer[] = [];
  /** Batch callbacks of which it was said that they observe what they are not registered for. */
  private readonly said = new WeakSet<BatchObservableCallback>();
  /** There were callbacks, so what they observed must be kept up to date. */
  private used = false;
  /** The round under way, and when its time is up. */
  private current: { round: Round; until: number } | undefined = undefined;

  add(observable: NativeObservable, callback: ObservableCallback): void {
    this.used = true;
    const callbacks = this.singles.get(observable) ?? new Set();
    callbacks.add(callback);
    this.singles.set(observable, callbacks);
  }

  remove(observable: NativeObservable, callback: ObservableCallback): void {
    const callbacks = this.singles.get(observable);
    callbacks?.delete(callback);
    if (callbacks?.size === 0) {
      this.singles.delete(observable);
    }
  }

  addBatch(callback: BatchObservableCallback, observables: Observable[]): void {
    if (typeof callback !== 'function') {
      log(
        'warn',
        `a batch callback of type ${typeof callback} is not registered, expected a function`,
      );
      return;
    }
    const given = listed(observables);
    const own = this.own(given);
    if (own.size < given.size) {
      log(
        'warn',
        'a batch callback is registered for observables that are not valid or not of this provider; what it observes for them is left out',
      );
    }
    if (own.size === 0) {
      log('warn', 'a batch callback without observables is not registered');
      return;
    }
    this.used = true;
    if (!this.batches.some(batch => isSame(batch, callback, own))) {
      this.batches.push({ callback, observables: own });
    }
  }

  addProducer(produce: Producer): void {
    this.used = true;
    this.producers.push(produce);
  }

  removeBatch(
    callback: BatchObservableCallback,
    observables: Observable[],
  ): void {
    const same = this.own(listed(observables));
    this.batches = this.batches.filter(batch => !isSame(batch, callback, same));
  }

  /** Slots of another provider's instruments mean other series here. */
  private own(observables: Set<unknown>): Set<NativeObservable> {
    return new Set([...observables].filter(each => this.isOwn(each)));
  }

  private isOwn(observable: unknown): observable is NativeObservable {
    try {
      return (
        observable instanceof NativeObservable && observable.belongsTo(this)
      );
    } catch {
      // A proxy that was revoked or throws is none.
      return false;
    }
  }

  /**
   * Runs every callback. What was observed is handed over when all have finished, at the latest after
   * the time-out; before that once, where some take their time, and afterwards for each that was late.
   * Within the time of a round another does not begin: the one under way is the answer. One that is
   * overdue all the same, such as where a program stops the timers, gives way.
   */
  run(timeout: number, handOver: Taker): void {
    if (!this.used) {
      handOver(undefined, true);
      return;
    }
    const now = performance.now();
    if (this.current && now < this.current.until) {
      return;
    }
    this.current?.round.close();
    const round = new Round();
    const limit = timeout * CALLBACK_SHARE;
    this.current = { round, until: now + limit };
    const running = this.start(round);
    const end = () => {
      if (this.current?.round === round) {
        this.current = undefined;
        handOver(round.read(observablesOf(running)), true);
        this.awaitLate(round, running, handOver);
      }
    };
    const settled = [
      ...[...running].map(pending => pending.settled),
      ...this.producers.map(produce =>
        contained(produce(limit * CALLBACK_SHARE)),
      ),
    ];
    if (settled.length === 0) {
      end();
      return;
    }
    for (const pending of running) {
      void pending.settled.then(() => running.delete(pending));
    }
    // Whoever waits less long than the slowest callback has the others' values.
    handOver(round.read(observablesOf(running)), false);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>(resolve => {
      timer = setTimeout(() => {
        log(
          'warn',
          `an observable callback did not finish within ${Math.round(limit)} ms; until it does, what it observed before is exported`,
        );
        resolve();
      }, limit);
      timer.unref();
    });
    // Neither can reject: failures are reported where they come from.
    void Promise.race([Promise.all(settled), late]).then(() => {
      clearTimeout(timer);
      end();
    });
  }

  /** Takes over what callbacks observe that finish after their collection. */
  private awaitLate(
    round: Round,
    running: Set<Pending>,
    handOver: Taker,
  ): void {
    if (running.size === 0) {
      round.close();
    }
    for (const { observables, settled } of running) {
      void settled.then(() => {
        const others = this.observables();
        const unfinished = observablesOf(running);
        const finished = new Set<SeriesOwner | undefined>();
        for (const observable of observables) {
          if (!unfinished.has(observable)) {
            finished.add(observable);
            others.delete(observable);
          }
        }
        handOver(round.read(others, finished), false);
        if (running.size === 0) {
          round.close();
        }
      });
    }
  }

  /** Runs every callback and takes what was observed when they returned. */
  runSync(): NativeObservations | undefined {
    if (!this.used) {
      return undefined;
    }
    const round = new Round();
    const unfinished = observablesOf(this.start(round));
    round.close();
    return round.read(unfinished);
  }

  /** Every instrument that has a callback. */
  private observables(): Set<NativeObservable> {
    const observables = new Set(this.singles.keys());
    for (const batch of this.batches) {
      for (const observable of batch.observables) {
        observables.add(observable);
      }
    }
    return observables;
  }

  private start(round: Round): Set<Pending> {
    const running = new Set<Pending>();
    const call = (
      name: string,
      observables: Set<NativeObservable>,
      callback: () => void | Promise<void>,
    ) => {
      const failed = (error: unknown) =>
        log(
          'error',
          `the observable callback of ${name} failed: ${textOf(error)}`,
        );
      try {
        const result: unknown = callback();
        if (isThenable(result)) {
          running.add({
            observables,
            settled: settled(result).then(() => undefined, failed),
          });
        }
      } catch (error) {
        failed(error);
      }
    };
    this.observables().forEach(observable => observable.beginRound());
    // Copies: callbacks may add and remove callbacks. One that was removed does not run any more.
    for (const [observable, callbacks] of [...this.singles]) {
      const alone = new Set([observable]);
      const observer = new Observer(round, alone, () => {}, observable);
      for (const callback of [...callbacks]) {
        if (this.singles.get(observable)?.has(callback)) {
          call(`"${observable.name}"`, alone, () => callback(observer));
        }
      }
    }
    for (const batch of [...this.batches]) {
      if (!this.batches.includes(batch)) {
        continue;
      }
      const { callback, observables } = batch;
      const observer = new Observer(round, observables, () => {
        if (!this.said.has(callback)) {
          this.said.add(callback);
          log(
            'warn',
            'a batch callback observed an instrument that it was not registered for; the value is left out (said once per callback)',
          );
        }
      });
      call('a batch', observables, () => callback(observer));
    }
    return running;
  }
}

function observablesOf(running: Set<Pending>): Set<NativeObservable> {
  return new Set([...running].flatMap(pending => [...pending.observables]));
}

function isSame(
  batch: Batch,
  callback: BatchObservableCallback,
  observables: Set<NativeObservable>,
): boolean {
  return (
    batch.callback === callback &&
    batch.observables.size === observables.size &&
    [...observables].every(observable => batch.observables.has(observable))
  );
}

/** What plain JavaScript passes for a list; nothing where it is none. */
function listed(values: unknown): Set<unknown> {
  try {
    // Not what an array says of its length, which may have no end.
    return new Set(Array.isArray(values) ? Object.values(values) : []);
  } catch {
    // An array that throws where it is read.
    return new Set();
  }
}

/** A producer's failure is no other's, nor the round's. */
function contained(producing: Promise<void>): Promise<void> {
  return producing.catch((error: unknown) =>
    log('error', `a metric producer failed: ${textOf(error)}`),
  );
}
