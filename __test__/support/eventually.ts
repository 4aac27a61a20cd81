import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats what fails at first; after the time-out its last error stands. */
export async function eventually<T>(
  check: () => T | Promise<T>,
  timeout = 30_000,
): Promise<T> {
  const deadline = Date.now() + timeout;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) {
        throw error;
      }
      await sleep(20);
    }
  }
}
