// An HTTP server that counts and times its requests, with one side's metrics, in a process of its own.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { performance } from 'node:perf_hooks';
import { clearInterval, setInterval } from 'node:timers';
import { answerQuestions } from './children.mjs';
import { pushing } from './exportSides.mjs';
import { cardinalityLimit, seriesWork } from './seriesWork.mjs';

const EXPORT_INTERVAL = 1000;

let provider;
let work;
let ticks;
let requests = 0;

answerQuestions({
  async start({ side, series, url }) {
    provider = pushing[side]({
      url,
      limit: cardinalityLimit(series),
      interval: EXPORT_INTERVAL,
    });
    const meter = provider.getMeter('bench');
    work = seriesWork({ meter, kind: 'counter', series });
    work.record(series);

    const counter = meter.createCounter('requests');
    const duration = meter.createHistogram('duration');
    // An idle connection that is closed as a request arrives resets it.
    const options = { keepAliveTimeout: 0 };
    const server = createServer(options, (request, response) => {
      const start = performance.now();
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ id: requests, path: request.url }));
      requests++;
      const attributes = { method: request.method, route: '/orders/:id' };
      counter.add(1, attributes);
      duration.record(performance.now() - start, attributes);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server.address().port;
  },
  /** From now on a thousandth of the series is touched every millisecond: all of them, an export. */
  keepTouching(amount) {
    ticks = setInterval(() => work.record(amount), 1);
  },
  /** Exports a last time; returns what the sink must have got with it. */
  async finish() {
    clearInterval(ticks);
    await provider.shutdown();
    return { requests, recorded: work.recorded };
  },
  flush: () => provider.forceFlush(),
});
