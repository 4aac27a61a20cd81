import type {
  Attributes,
  BatchObservableCallback,
  BatchObservableResult,
  Observable,
  ObservableCallback,
  ObservableResult,
} from '@opentelemetry/api';
import type { NativeBlock } from '../../binding';
import { log } from '../log';
import { clearTimeout, setTimeout } from '../timers';
import { NativeObservable } from './observable';

/** A callback gets this part of the time the engine waits, so that the answer arrives in time. */
const CALLBACK_SHARE = 0.8;

/** What the callbacks of one collection observed. */
class Round {
  private readonly slots: number[] = [];
  private readonly values: number[] = [];
  private open = true;

  /** What is observed later belongs to no collection. */
  get isOpen(): boolean {
    return this.open;
  }

  add(slot: number, value: number): void {
    this.slots.push(slot);
    this.values.push(value);
  }

  close(): NativeBlock {
    this.open = false;
    return {
      slots: Uint32Array.from(this.slots),
      values: Float64Array.from(this.values),
      count: this.slots.length,
    };
  }
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
    const own = this.own(observables);
    if (own.size < new Set(observables).size) {
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
    this.removeBatch(callback, observables);
    this.batches.push({ callback, observables: own });
  }

  addProducer(produce: Producer): void {
    this.used = true;
    this.producers.push(produce);
  }

  removeBatch(
    callback: BatchObservableCallback,
    observables: Observable[],
  ): void {
    const same = this.own(observables);
    this.batches = this.batches.filter(
      batch =>
        batch.callback !== callback ||
        batch.observables.size !== same.size ||
        ![...same].every(observable => batch.observables.has(observable)),
    );
  }

  /** Slots of another provider's instruments mean other series here. */
  private own(observables: Observable[]): Set<NativeObservable> {
    return new Set(
      observables.filter(
        (observable): observable is NativeObservable =>
          observable instanceof NativeObservable && observable.belongsTo(this),
      ),
    );
  }

  /** Runs every callback; `done` gets what was observed, at the latest after the time-out. */
  run(timeout: number, done: (observations?: NativeBlock) => void): void {
    if (!this.used) {
      done();
      return;
    }
    const round = new Round();
    const limit = timeout * CALLBACK_SHARE;
    const pending = [
      ...this.start(round),
      ...this.producers.map(produce => produce(limit * CALLBACK_SHARE)),
    ];
    if (pending.length === 0) {
      done(round.close());
      return;
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>(resolve => {
      timer = setTimeout(() => {
        log(
          'warn',
          `an observable callback did not finish within ${Math.round(limit)} ms; what it had not observed by then is missing from this collection`,
        );
        resolve();
      }, limit);
      timer.unref();
    });
    // Neither can reject: failures of callbacks are reported in start().
    void Promise.race([Promise.all(pending), late]).then(() => {
      clearTimeout(timer);
      done(round.close());
    });
  }

  /** Runs every callback and takes what was observed when they returned. */
  runSync(): NativeBlock | undefined {
    if (!this.used) {
      return undefined;
    }
    const round = new Round();
    void this.start(round);
    return round.close();
  }

  private start(round: Round): Promise<void>[] {
    const pending: Promise<void>[] = [];
    const call = (name: string, callback: () => void | Promise<void>) => {
      const failed = (error: unknown) =>
        log(
          'error',
          `the observable callback of ${name} failed: ${String(error)}`,
        );
      try {
        const result: unknown = callback();
        if (isThenable(result)) {
          pending.push(Promise.resolve(result).then(() => undefined, failed));
        }
      } catch (error) {
        failed(error);
      }
    };
    const observables = new Set(this.singles.keys());
    for (const batch of this.batches) {
      for (const observable of batch.observables) {
        observables.add(observable);
      }
    }
    observables.forEach(observable => observable.beginRound());
    // Copies: callbacks may add and remove callbacks.
    for (const [observable, callbacks] of [...this.singles]) {
      const observer = new Observer(
        round,
        new Set([observable]),
        () => {},
        observable,
      );
      for (const callback of [...callbacks]) {
        call(`"${observable.name}"`, () => callback(observer));
      }
    }
    for (const { callback, observables } of [...this.batches]) {
      const observer = new Observer(round, observables, () => {
        if (!this.said.has(callback)) {
          this.said.add(callback);
          log(
            'warn',
            'a batch callback observed an instrument that it was not registered for; the value is left out (said once per callback)',
          );
        }
      });
      call('a batch', () => callback(observer));
    }
    return pending;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
