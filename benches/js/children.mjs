// Processes of one benchmark: the sides, each in its own, and what they talk to.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { clearTimeout, setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';

/** A process ended before it answered, of itself or because its time was up. */
export class ChildEnded extends Error {}

/**
 * Starts a script that answers questions with `answerQuestions`.
 *
 * @param heap - Megabytes of its JavaScript heap.
 * @param minutes - After them it is killed.
 */
export function startChild(script, { heap = 4096, minutes = 15 } = {}) {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), [], {
    execArgv: ['--expose-gc', `--max-old-space-size=${heap}`],
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), minutes * 60_000);
  const start = Date.now();
  const ended = once(child, 'exit').then(([code, signal]) => {
    clearTimeout(limit);
    const seconds = Math.round((Date.now() - start) / 1000);
    throw new ChildEnded(`ended after ${seconds} s with ${signal ?? code}`);
  });
  // Told to whoever asks next.
  ended.catch(() => {});
  return {
    pid: child.pid,
    /** Rejects with what the question threw, and when the process ends before the answer. */
    async ask(question, ...args) {
      child.send({ question, args });
      const [{ answer, error }] = await Promise.race([
        once(child, 'message'),
        ended,
      ]);
      if (error !== undefined) {
        throw new Error(`${script}, ${question}: ${error}`);
      }
      return answer;
    },
    async stop() {
      child.kill('SIGKILL');
      await ended.catch(() => {});
    },
  };
}

/** In a child: answers one question after the other, until it is stopped. */
export function answerQuestions(handlers) {
  process.on('message', async ({ question, args }) => {
    try {
      process.send({ answer: await handlers[question](...args) });
    } catch (error) {
      process.send({ error: error.stack });
    }
  });
  process.on('disconnect', () => process.exit());
}

/** Starts children, hands them to `work`, and ends them whatever happens. */
export async function withChildren(starts, work) {
  const children = starts.map(start => start());
  try {
    return await work(...children);
  } finally {
    await Promise.all(children.map(child => child.stop()));
  }
}
