import type { NativeObservations } from '../../binding';
import { errorType } from '../common/text';
import type { NativeObservable, ObservationRound } from './observable';

/** What the callbacks of one collection observed. */
export class Round implements ObservationRound {
  private readonly observables: NativeObservable[] = [];
  private readonly slots: number[] = [];
  private readonly values: number[] = [];
  private state: 'waited for' | 'open' | 'closed' = 'waited for';
  /** Of the first callback that failed. */
  private errorType: string | undefined = undefined;

  /** What is observed later belongs to no collection. */
  get isOpen(): boolean {
    return this.state !== 'closed';
  }

  /** A collection waits for it. */
  get isWaitedFor(): boolean {
    return this.state === 'waited for';
  }

  fail(error: unknown): void {
    this.errorType ??= errorType(error);
  }

  /** Until the round is closed, the slot is the same set's. */
  add(observable: NativeObservable, slot: number, value: number): void {
    this.observables.push(observable);
    this.slots.push(slot);
    this.values.push(value);
  }

  /** What was observed up to now, of all or of `some` instruments. */
  read(
    unfinished: Iterable<NativeObservable>,
    some?: Set<NativeObservable>,
  ): NativeObservations {
    const slots: number[] = [];
    const values: number[] = [];
    this.observables.forEach((observable, at) => {
      // A new configuration may have no use for it, and its slots are others' then.
      if (observable.isWanted && (!some || some.has(observable))) {
        slots.push(this.slots[at]);
        values.push(this.values[at]);
      }
    });
    return {
      slots: Uint32Array.from(slots),
      values: Float64Array.from(values),
      count: slots.length,
      unfinished: Array.from(unfinished, ({ id }) => id),
      errorType: this.errorType,
    };
  }

  /** Nobody waits any more. */
  end(): void {
    this.state = 'open';
  }

  close(): void {
    this.state = 'closed';
  }
}
