// Requests at a fixed rate, in a process of its own, whether or not earlier ones were answered: a
// latency counts from the moment at which its request was due (no coordinated omission).
import { Agent, get } from 'node:http';
import { fileURLToPath } from 'node:url';
import {
  isMainThread,
  parentPort,
  Worker,
  workerData,
} from 'node:worker_threads';
import { answerQuestions } from './children.mjs';

const now = () => Number(process.hrtime.bigint()) / 1e6;

/** Tells when each request is due. Timers of the event loop are a millisecond coarse; this is not. */
function pace({ begin, period, total }) {
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let i = 0; i < total; i++) {
    const due = begin + i * period;
    const wait = due - now();
    if (wait > 0) {
      Atomics.wait(never, 0, 0, wait);
    }
    parentPort.postMessage(due);
  }
}

/** Latencies in milliseconds of all requests after the first `warmUp`, ascending. */
function load({ port, rate, warmUp, total }) {
  const agent = new Agent({ keepAlive: true });
  const latencies = [];
  let answered = 0;
  return new Promise((resolve, reject) => {
    const request = due =>
      get({ port, host: '127.0.0.1', path: '/orders/7', agent }, response => {
        response.resume();
        response.on('end', () => {
          if (answered++ >= warmUp) {
            latencies.push(now() - due);
          }
          if (answered === total) {
            agent.destroy();
            resolve(latencies.sort((a, b) => a - b));
          }
        });
      }).on('error', reject);
    const pacer = new Worker(fileURLToPath(import.meta.url), {
      workerData: { begin: now() + 100, period: 1000 / rate, total },
    });
    pacer.on('message', request).on('error', reject);
  });
}

if (isMainThread) {
  answerQuestions({
    async load(options) {
      const latencies = await load(options);
      const at = share => latencies[Math.ceil(share * latencies.length) - 1];
      return {
        answered: latencies.length,
        p50: at(0.5),
        p99: at(0.99),
        max: at(1),
      };
    },
  });
} else {
  pace(workerData);
}
