// The Prometheus of overhead.ts: answers `query_range` with series that it has prepared, as text or
// with gzip. `series` of them are in the query: `bench{series="500"}`. The first to ask for a range
// waits until it is prepared. Sends its port when it listens.
const { Buffer } = require('node:buffer');
const { createServer } = require('node:http');
const { URLSearchParams } = require('node:url');
const { gzipSync } = require('node:zlib');

const prepared = new Map();

function prepare(series, start, end, step) {
  const result = Array.from({ length: series }, (_, index) => ({
    metric: {
      __name__: 'http_requests_total',
      instance: `10.0.0.${index}:9100`,
      job: 'api',
      code: String(200 + (index % 5)),
    },
    values: Array.from(
      { length: (end - start) / step + 1 },
      (_unused, point) => [
        start + point * step,
        // Half of them are counters, half rates with all of their digits.
        String(
          index % 2 === 0
            ? index * 1000 + point
            : Math.abs(Math.sin(index + point)) * 100,
        ),
      ],
    ),
  }));
  const text = Buffer.from(
    JSON.stringify({
      status: 'success',
      data: { resultType: 'matrix', result },
    }),
  );
  return { text, gzip: gzipSync(text) };
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', chunk => chunks.push(chunk));
  request.on('end', () => {
    response.setHeader('content-type', 'application/json');
    if (!request.url.endsWith('/query_range')) {
      response.end('{"status":"success","data":{}}');
      return;
    }
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const series = Number(/series="(\d+)"/.exec(form.get('query'))[1]);
    const [start, end, step] = ['start', 'end', 'step'].map(key =>
      Number(form.get(key)),
    );
    const key = JSON.stringify([series, start, end, step]);
    if (!prepared.has(key)) {
      prepared.set(key, prepare(series, start, end, step));
    }
    const { text, gzip } = prepared.get(key);
    if (/gzip/.test(request.headers['accept-encoding'])) {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzip);
    } else {
      response.end(text);
    }
  });
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
