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
import { NativeObservable } from './observable';

/** A callback gets this part of the time the engine waits, so that the answer arrives in time. */
const CALLBACK_SHARE = 0.8;

/** What the callbacks of one collection observed. */
class Round {
  private readonly slots: number[] = [];
  private readonly values: number[] = [];
  private open = true;

  add(slot: number, value: number): boolean {
    if (this.open) {
      this.slots.push(slot);
      this.values.push(value);
    }
    return this.open;
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
      log(
        'warn',
        'a batch callback observed an instrument that it was not registered for; the value is left out',
      );
      return;
    }
    (observable as NativeObservable).observe(
      this.round,
      value as number,
      attributes as Attributes | undefined,
    );
  }
}

export type ObservationRound = Pick<Round, 'add'>;

interface Batch {
  callback: BatchObservableCallback;
  observables: Set<Observable>;
}

/** The observable callbacks of one thread, run once a collection. */
export class ObservableCallbacks {
  private readonly singles = new Map<
    NativeObservable,
    Set<ObservableCallback>
  >();
  private batches: Batch[] = [];
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
    if (observables.length === 0) {
      log('warn', 'a batch callback without observables is not registered');
      return;
    }
    this.used = true;
    this.removeBatch(callback, observables);
    this.batches.push({ callback, observables: new Set(observables) });
  }

  removeBatch(
    callback: BatchObservableCallback,
    observables: Observable[],
  ): void {
    const same = new Set(observables);
    this.batches = this.batches.filter(
      batch =>
        batch.callback !== callback ||
        batch.observables.size !== same.size ||
        ![...same].every(observable => batch.observables.has(observable)),
    );
  }

  /** Runs every callback; `done` gets what was observed, at the latest after the time-out. */
  run(timeout: number, done: (observations?: NativeBlock) => void): void {
    if (!this.used) {
      done();
      return;
    }
    const round = new Round();
    const pending = this.start(round);
    if (pending.length === 0) {
      done(round.close());
      return;
    }
    const limit = timeout * CALLBACK_SHARE;
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
    const observables = new Set<Observable>(this.singles.keys() as never);
    for (const batch of this.batches) {
      for (const observable of batch.observables) {
        observables.add(observable);
      }
    }
    for (const observable of observables) {
      if (observable instanceof NativeObservable) {
        observable.beginRound();
      }
    }
    // Copies: callbacks may add and remove callbacks.
    for (const [observable, callbacks] of [...this.singles]) {
      const observer = new Observer(round, new Set([observable]), observable);
      for (const callback of [...callbacks]) {
        call(`"${observable.name}"`, () => callback(observer));
      }
    }
    for (const { callback, observables } of [...this.batches]) {
      const observer = new Observer(round, observables);
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
