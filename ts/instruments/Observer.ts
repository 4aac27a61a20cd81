import type {
  Attributes,
  BatchObservableResult,
  Observable,
  ObservableResult,
} from '@opentelemetry/api';
import type { NativeObservable, ObservationRound } from './observable';

/** Gives a callback the right to observe one instrument, or several, during one round. */
export class Observer implements ObservableResult, BatchObservableResult {
  constructor(
    private readonly round: ObservationRound,
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
