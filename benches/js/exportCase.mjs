// One side that records in many series and exports them, in a process of its own.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerQuestions } from './children.mjs';
import { pushing } from './exportSides.mjs';
import { cardinalityLimit, seriesWork } from './seriesWork.mjs';

let provider;
let work;
let series;
let isCold;

/** More than any cache holds. */
const OTHERS = new Float64Array(2 ** 24);

/** Records in every series and lets what follows from recording end: only exporting is measured. */
async function touch() {
  work.record(series);
  globalThis.gc();
  await sleep(50);
  if (isCold) {
    OTHERS.fill(work.recorded.count);
  }
}

/** How long a plain copy of as many cells takes, as freshly written as those of the side. */
function copyTime() {
  const cells = new Float64Array(series).fill(1);
  const start = performance.now();
  const copy = cells.slice();
  const time = performance.now() - start;
  return copy.at(-1) === 1 ? time : NaN;
}

answerQuestions({
  async start(options) {
    series = options.series;
    isCold = options.isCold;
    provider = pushing[options.side]({
      url: options.url,
      limit: cardinalityLimit(series),
    });
    work = seriesWork({ ...options, meter: provider.getMeter('bench') });
  },
  /**
   * One export, in milliseconds. Blocked is the time that the event loop did not wait for events: a
   * loop that spins to notice gaps would take a core from the exporting threads and be preempted by
   * them, and a timer would itself be more work than what it looks for.
   */
  async export() {
    await touch();
    const cpu = process.cpuUsage();
    const start = performance.now();
    const loop = performance.eventLoopUtilization();
    await provider.forceFlush();
    const { active } = performance.eventLoopUtilization(loop);
    const wall = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    return {
      blocked: active,
      wall,
      cpu: (user + system) / 1000,
      copy: copyTime(),
      recorded: work.recorded,
    };
  },
  /** The longest that a timer of one millisecond came late during an export, in milliseconds. */
  async longestGap() {
    await touch();
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await sleep(20);
    await provider.forceFlush();
    // The timer that is late comes after the export's end.
    await sleep(20);
    delay.disable();
    return {
      gap: Math.max(0, delay.max / 1e6 - 1),
      recorded: work.recorded,
    };
  },
});
