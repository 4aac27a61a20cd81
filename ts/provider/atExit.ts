// Not the global one, which a test runner may have replaced or left out.
import { setInterval } from 'node:timers';

/**
 * What a thread does at its end, in steps: everything takes each step before any takes the next,
 * because a last export waits for whoever has not handed over.
 */
export interface Ending {
  /** Hands over what there is to hand over; whether there was anything. */
  settle(): boolean;
  /** Nothing is left to do for the event loop: begins what must be done while it can turn. */
  beforeExit(): void;
  /** Hands over for the last time. */
  handOver(): void;
  /** Begins the last export. */
  begin(): void;
  /** Waits for it. */
  finish(): void;
}

/** Of one thread; shared by the copies of this package and by the realms that have its `process`. */
interface ThreadEnd {
  /** @param realm - The `globalThis` that the ending belongs to. */
  add(ending: Ending, realm: object): void;
  remove(ending: Ending): void;
}

type ProcessWithEnd = NodeJS.Process & {
  [ON_PROCESS]?: ThreadEnd;
  /** What `process.exit` calls once it has emitted `exit`. */
  reallyExit: (code?: number) => void;
};

const ON_PROCESS = Symbol.for('nativestage.metrics.exit');

/** What holds the endings of this realm: the thread must not keep a realm that is gone. */
const IN_REALM = Symbol.for('nativestage.metrics.endings');

/**
 * How often realms beside the first are asked to hand over: they may end at any time without a word,
 * and what they recorded less than this before they are collected is lost.
 */
const SETTLE_MS = 1000;

/**
 * Has something done when the thread ends by itself, by `process.exit()` or by an uncaught
 * exception: after all `exit` listeners, whenever they were registered and even if one of them
 * throws or calls `process.exit()`.
 *
 * @returns what takes that back
 */
export function atExit(ending: Ending): () => void {
  const realm = globalThis as { [IN_REALM]?: Set<Ending> };
  const endings = (realm[IN_REALM] ??= new Set());
  const thread = ((process as ProcessWithEnd)[ON_PROCESS] ??= watchEnd());
  endings.add(ending);
  thread.add(ending, globalThis);
  return () => {
    endings.delete(ending);
    thread.remove(ending);
  };
}

function watchEnd(): ThreadEnd {
  const endings = new Set<WeakRef<Ending>>();
  /** Those that may have something to hand over, which must not be collected before. */
  const held = new Set<Ending>();
  let settling: NodeJS.Timeout | undefined;
  let state: 'running' | 'ending' | 'over' = 'running';

  const end = () => {
    if (state === 'ending') {
      // Takes its caller back to where it was called from; the exit code that it set stays.
      throw new Error(
        'process.exit() was called by an observable callback or a logger while the process was exiting',
      );
    }
    if (state === 'over') {
      return;
    }
    state = 'ending';
    const all = [...endings].flatMap(ending => ending.deref() ?? []);
    for (const step of ['handOver', 'begin', 'finish'] as const) {
      for (const ending of all) {
        try {
          ending[step]();
        } catch (error) {
          // The others' metrics must not be lost for this, and there is nothing else left to log to.
          console.error('[metrics] the exit did not go as it should:', error);
        }
      }
    }
    state = 'over';
  };

  // A listener of ours would not do: those that were registered later run after it, and if one
  // before it exits or throws it does not run at all.
  const running = process as ProcessWithEnd;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
  const { emit } = running;
  let emitting = false;
  running.emit = function emitAndEnd(this: unknown, ...args: unknown[]) {
    if (args[0] !== 'exit' || this !== process || emitting) {
      return Reflect.apply(emit, this, args) as boolean;
    }
    const { reallyExit } = running;
    emitting = true;
    running.reallyExit = code => {
      end();
      Reflect.apply(reallyExit, running, [code]);
    };
    try {
      return Reflect.apply(emit, this, args) as boolean;
    } finally {
      end();
      running.reallyExit = reallyExit;
      emitting = false;
    }
  } as typeof running.emit;
  // For programs that put another `emit` in place of that one.
  process.on('exit', () => {
    if (!emitting) {
      end();
    }
  });

  process.on('beforeExit', () => {
    for (const ending of endings) {
      ending.deref()?.beforeExit();
    }
  });

  const settle = () => {
    for (const known of endings) {
      const ending = known.deref();
      if (!ending) {
        endings.delete(known);
      } else if (ending.settle()) {
        held.add(ending);
      } else {
        held.delete(ending);
      }
    }
  };

  return {
    add(ending, realm) {
      // Made here: one of its own realm would hold that.
      endings.add(new WeakRef(ending));
      held.add(ending);
      if (realm !== globalThis) {
        settling ??= setInterval(settle, SETTLE_MS).unref();
      }
    },
    remove(ending) {
      held.delete(ending);
      for (const known of endings) {
        if (known.deref() === ending) {
          endings.delete(known);
        }
      }
    },
  };
}
