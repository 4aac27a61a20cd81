import { TooManyRequestsError } from './errors';

export interface ConcurrencyOptions {
  /** Tasks that run at once for one key. */
  running: number;
  /** Tasks that wait for one key; more are refused. */
  waiting: number;
  /** What a key is, for the error: `you`, `the Prometheus instance "a"`. */
  describe: (key: string) => string;
}

interface Lane {
  running: number;
  waiting: Set<() => void>;
}

/** Runs a few tasks of each key at once, lets some more wait in order, and refuses the rest. */
export class ConcurrencyLimit {
  private readonly lanes = new Map<string, Lane>();

  constructor(private readonly options: ConcurrencyOptions) {}

  /**
   * @param signal - ends the waiting; the task has to watch it itself
   * @throws TooManyRequestsError when too many wait already
   */
  async run<T>(
    key: string,
    task: () => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const lane = this.lanes.get(key) ?? { running: 0, waiting: new Set() };
    this.lanes.set(key, lane);
    if (lane.running < this.options.running) {
      lane.running++;
    } else {
      await this.wait(key, lane, signal);
    }
    try {
      return await task();
    } finally {
      this.release(key, lane);
    }
  }

  /** Resolves with the place of a task that has ended. */
  private wait(key: string, lane: Lane, signal?: AbortSignal): Promise<void> {
    const { running, waiting, describe } = this.options;
    if (lane.waiting.size >= waiting) {
      throw new TooManyRequestsError(
        `Too many queries at once for ${describe(key)}: ${running} run and ${waiting} wait; try again in a moment`,
      );
    }
    return new Promise((resolve, reject) => {
      const start = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        lane.waiting.delete(start);
        reject(signal!.reason as Error);
      };
      signal?.throwIfAborted();
      signal?.addEventListener('abort', leave, { once: true });
      lane.waiting.add(start);
    });
  }

  private release(key: string, lane: Lane): void {
    const [next] = lane.waiting;
    if (next) {
      lane.waiting.delete(next);
      next();
    } else if (--lane.running === 0) {
      this.lanes.delete(key);
    }
  }
}
