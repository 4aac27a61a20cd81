// One side that serves a page to Prometheus, in a process of its own.
import { createServer } from 'node:net';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerQuestions } from './children.mjs';
import { scraped } from './exportSides.mjs';
import { cardinalityLimit, seriesWork } from './seriesWork.mjs';

let work;
let series;
let loop;

/** A free port: the JS SDK's exporter takes 0 for its default port. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

answerQuestions({
  async start(options) {
    series = options.series;
    const port = await freePort();
    const provider = scraped[options.side]({
      port,
      limit: cardinalityLimit(series),
    });
    work = seriesWork({
      meter: provider.getMeter('bench'),
      kind: 'counter',
      series,
    });
    // What the series themselves take is not the scrape's.
    work.record(series);
    await provider.forceFlush();
    await sleep(500);
    return `http://127.0.0.1:${port}/metrics`;
  },
  /** Records in every series, and lets what follows from it end. */
  async touch() {
    work.record(series);
    globalThis.gc();
    // Whoever asks more often than that waits for the next collection.
    await sleep(250);
    return work.recorded;
  },
  beginWatch() {
    loop = performance.eventLoopUtilization();
  },
  /** The time that the event loop did not wait for events since then, in milliseconds. */
  endWatch() {
    return performance.eventLoopUtilization(loop).active;
  },
});
