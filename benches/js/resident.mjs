// What a process holds, without what only looks like it.

export const MEGABYTE = 2 ** 20;

/**
 * For processes whose memory is measured: V8's young generation has its full size from the start.
 * It grows to it with any garbage, by 16 MB in the first millions of records on every side.
 */
export const YOUNG = ['--min-semi-space-size=16', '--max-semi-space-size=16'];

/** Uses every page of the young generation once. */
export function fillYoung() {
  const survivors = [];
  for (let i = 0; i < 1_000_000; i++) {
    survivors[i % 100_000] = { text: `text ${i}` };
  }
}

/** Once garbage is gone and allocators have given pages back. */
export async function settled() {
  for (let i = 0; i < 10; i++) {
    globalThis.gc();
    await pause(100);
  }
  // V8 of Node 24 keeps pages that it may need again, but not when memory is short.
  globalThis.gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  return process.memoryUsage();
}

/** While work goes on: garbage is gone, native threads are not waited for. */
export async function running() {
  globalThis.gc();
  await pause(5);
  return process.memoryUsage();
}

const pause = ms => new Promise(done => setTimeout(done, ms));
