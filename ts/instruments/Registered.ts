import type { NativeObservable } from './observable';

/** A callback that returned a promise which is not settled yet. */
export interface Pending {
  registered: Registered;
  settled: Promise<void>;
}

/** Since when a callback has been overdue, and how long until it is taken for lost, in milliseconds. */
interface Overdue {
  since: number;
  patience: number;
}

/** One callback, for one instrument or several. */
export interface Registered {
  observables: Set<NativeObservable>;
  /** By the reader whose collection went on without it. */
  overdue: Map<number, Overdue>;
}

export function registeredOf(running: Set<Pending>): Registered[] {
  return [...running].map(({ registered }) => registered);
}

export function observablesOf(callbacks: Registered[]): Set<NativeObservable> {
  return new Set(callbacks.flatMap(({ observables }) => [...observables]));
}
