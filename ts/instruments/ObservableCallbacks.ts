import type {
  BatchObservableCallback,
  Observable,
  ObservableCallback,
} from '@opentelemetry/api';
import { performance } from 'node:perf_hooks';
import type { NativeObservations } from '../../binding';
import { log } from '../common/log';
import { textOf } from '../common/text';
import { isThenable, settled } from '../common/thenable';
import { clearTimeout, setImmediate, setTimeout } from '../common/timers';
import type { CallbackRunner, Run, Taker } from './CallbackRunner';
import { type CallbackRegistry, NativeObservable } from './observable';
import { Observer } from './Observer';
import {
  observablesOf,
  type Pending,
  type Registered,
  registeredOf,
} from './Registered';
import { Round } from './Round';

/** A callback gets this part of the time the engine waits, so that the answer arrives in time. */
const CALLBACK_SHARE = 0.8;

/**
 * After this time a callback that has not settled is taken for lost, and runs again; each time after twice as
 * long. What hangs may hold something of which there is little, such as a connection to a database.
 */
const LOST_AFTER_MS = 60_000;
const LOST_AFTER_MS_AT_MOST = 3_600_000;

interface Batch extends Registered {
  callback: BatchObservableCallback;
}

/** What else is done at a collection, within some milliseconds; it must not reject. */
type Producer = (patience: number) => Promise<void>;

/** The observable callbacks of one thread. Each collection runs them for itself. */
export class ObservableCallbacks implements CallbackRunner, CallbackRegistry {
  private readonly singles = new Map<
    NativeObservable,
    Map<ObservableCallback, Registered>
  >();
  private batches: Batch[] = [];
  private readonly producers = new Set<Producer>();
  /** Batch callbacks of which it was said that they observe what they are not registered for. */
  private readonly said = new WeakSet<BatchObservableCallback>();
  /** There were callbacks, so what they observed must be kept up to date. */
  private used = false;
  /** The rounds that collections wait for, and when their time is up. */
  private readonly underWay = new Set<{ until: number; end: () => void }>();

  add(observable: NativeObservable, callback: ObservableCallback): void {
    this.used = true;
    const callbacks =
      this.singles.get(observable) ?? new Map<ObservableCallback, Registered>();
    if (!callbacks.has(callback)) {
      callbacks.set(callback, {
        observables: new Set([observable]),
        overdue: new Map(),
      });
    }
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
      this.batches.push({ callback, observables: own, overdue: new Map() });
    }
  }

  /** @returns what ends it */
  addProducer(produce: Producer): () => void {
    this.used = true;
    this.producers.add(produce);
    return () => this.producers.delete(produce);
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
   * Runs every callback for a collection, whatever others are under way. What was observed is handed
   * over when all have finished, at the latest after the time-out; before that once, where some take
   * their time, and afterwards for each that was late. One that is late does not run again for the
   * same reader until it has settled. A round whose time is up all the same, such as where a program
   * stops the timers, ends before the next.
   */
  run(run: Omit<Run, 'number'>, handOver: Taker): void {
    if (!this.used) {
      handOver(undefined, true);
    } else if (this.isOverdue(run.reader)) {
      // What lets the callback settle may have come with the request, and be next.
      setImmediate(() => {
        try {
          this.begin(run, handOver);
        } catch (error) {
          log('error', `internal error: no callbacks ran: ${textOf(error)}`);
        }
      });
    } else {
      this.begin(run, handOver);
    }
  }

  /** Whether a callback has not settled whose collection for this reader went on. */
  private isOverdue(reader: number): boolean {
    const singles = [...this.singles.values()];
    const all: Registered[] = singles.flatMap(callbacks => [
      ...callbacks.values(),
    ]);
    return [...all, ...this.batches].some(({ overdue }) => overdue.has(reader));
  }

  private begin(
    { reader, timeout }: Omit<Run, 'number'>,
    handOver: Taker,
  ): void {
    const now = performance.now();
    for (const { until, end } of [...this.underWay]) {
      if (until <= now) {
        end();
      }
    }
    const round = new Round();
    const limit = timeout * CALLBACK_SHARE;
    const { running, overdue } = this.start(round, reader);
    const started = [...running];
    const read = () =>
      round.read(observablesOf([...overdue, ...registeredOf(running)]));
    const end = () => {
      if (round.isWaitedFor) {
        this.underWay.delete(entry);
        round.end();
        handOver(read(), true);
        for (const pending of started) {
          if (!running.has(pending)) {
            pending.registered.overdue.delete(reader);
          }
        }
        this.awaitLate(round, reader, running, handOver);
      }
    };
    const entry = { until: now + limit, end };
    const settled = [
      ...[...running].map(pending => pending.settled),
      ...Array.from(this.producers, produce =>
        contained(produce(limit * CALLBACK_SHARE)),
      ),
    ];
    if (settled.length === 0) {
      end();
      return;
    }
    this.underWay.add(entry);
    for (const pending of running) {
      void pending.settled.then(() => running.delete(pending));
    }
    // Whoever waits less long than the slowest callback has the others' values.
    handOver(read(), false);
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
    reader: number,
    running: Set<Pending>,
    handOver: Taker,
  ): void {
    if (running.size === 0) {
      round.close();
    }
    const now = performance.now();
    for (const { registered, settled } of running) {
      const { observables, overdue } = registered;
      const before = overdue.get(reader)?.patience ?? LOST_AFTER_MS / 2;
      const patience = Math.min(2 * before, LOST_AFTER_MS_AT_MOST);
      const own = { since: now, patience };
      overdue.set(reader, own);
      void settled.then(() => {
        // Unless it was taken for lost, and another run is overdue by now.
        if (overdue.get(reader) === own) {
          overdue.delete(reader);
        }
        const unfinished = this.observables();
        const others = observablesOf(registeredOf(running));
        for (const observable of observables) {
          if (!others.has(observable)) {
            unfinished.delete(observable);
          }
        }
        handOver(round.read(unfinished, observables), false);
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
    const { running } = this.start(round);
    round.close();
    return round.read(observablesOf(registeredOf(running)));
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

  /** Runs the callbacks, but those that are overdue for this reader. */
  private start(
    round: Round,
    reader?: number,
  ): { running: Set<Pending>; overdue: Set<Registered> } {
    const running = new Set<Pending>();
    const overdue = new Set<Registered>();
    const now = performance.now();
    const call = (
      name: string,
      registered: Registered,
      callback: () => void | Promise<void>,
    ) => {
      const late =
        reader === undefined ? undefined : registered.overdue.get(reader);
      if (late !== undefined && now < late.since + late.patience) {
        overdue.add(registered);
        return;
      }
      const failed = (error: unknown) => {
        round.fail(error);
        log(
          'error',
          `the observable callback of ${name} failed: ${textOf(error)}`,
        );
      };
      try {
        const result: unknown = callback();
        if (isThenable(result)) {
          running.add({
            registered,
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
      for (const [callback, registered] of [...callbacks]) {
        // As without a meter: nobody wants what it would observe.
        if (
          observable.isWanted &&
          this.singles.get(observable)?.has(callback)
        ) {
          call(`"${observable.name}"`, registered, () => callback(observer));
        }
      }
    }
    for (const batch of [...this.batches]) {
      const { callback, observables } = batch;
      const isWanted = [...observables].some(observable => observable.isWanted);
      if (!isWanted || !this.batches.includes(batch)) {
        continue;
      }
      const observer = new Observer(round, observables, () => {
        if (!this.said.has(callback)) {
          this.said.add(callback);
          log(
            'warn',
            'a batch callback observed an instrument that it was not registered for; the value is left out (said once per callback)',
          );
        }
      });
      call('a batch', batch, () => callback(observer));
    }
    return { running, overdue };
  }
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
