import type { NativeObservations, NativeRun } from '../../binding';

/** A collection's request to run the callbacks. */
export interface Run extends NativeRun {
  timeout: number;
}

/** Takes what was observed; what `answers` is what the collection waits for. */
export type Taker = (
  observations: NativeObservations | undefined,
  answers: boolean,
) => void;

/** Runs the observable callbacks of a thread for its facade, which knows no instrument's class. */
export interface CallbackRunner {
  run(run: Omit<Run, 'number'>, handOver: Taker): void;
  /** Takes what callbacks observed when they returned: at exit nothing else runs. */
  runSync(): NativeObservations | undefined;
}
