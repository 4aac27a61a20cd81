// A collector in a process of its own: takes every export, and says afterwards what was in it. What
// it received is decoded only when asked, so that it costs no export anything.
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { answerQuestions } from './children.mjs';
import { addTotals } from './otlpTotals.mjs';
import { workTotals } from './seriesWork.mjs';

let bodies = [];

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', chunk => chunks.push(chunk));
  request.on('end', () => {
    bodies.push(chunks);
    response.writeHead(200, { 'content-type': 'application/x-protobuf' });
    response.end();
  });
});

answerQuestions({
  async listen() {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${server.address().port}`;
  },
  /** What came since it was asked last: requests, bytes, and the totals of each metric by name. */
  take() {
    const taken = { requests: bodies.length, bytes: 0, totals: {} };
    for (const chunks of bodies) {
      const body = Buffer.concat(chunks);
      taken.bytes += body.length;
      addTotals(taken.totals, body);
    }
    bodies = [];
    return taken;
  },
  /** The totals of the last requests that together hold this many of the series' points. */
  takeLast(points) {
    const totals = {};
    while (bodies.length > 0 && workTotals(totals).points < points) {
      addTotals(totals, Buffer.concat(bodies.pop()));
    }
    bodies = [];
    return { totals };
  },
});
