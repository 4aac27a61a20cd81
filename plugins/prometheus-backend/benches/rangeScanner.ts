// Reading an answer of 500 series with 1 000 points: the scanner beside JSON.parse and a conversion.
//
//   node --expose-gc --import tsx plugins/prometheus-backend/benches/rangeScanner.ts
import assert from 'node:assert/strict';
import { cpus } from 'node:os';
import { RangeScanner, type Scanned } from '../src/client/RangeScanner';

const SERIES = 500;
const POINTS = 1000;
const CHUNK = 65_536;
const ROUNDS = 9;
const RANGE = {
  start: 1_767_225_600,
  end: 1_767_225_600 + (POINTS - 1) * 60,
  step: 60,
};

interface Answer {
  data: { result: { values: [number, string][] }[] };
}

function answer(): Buffer {
  const result = Array.from({ length: SERIES }, (_, series) => ({
    metric: {
      __name__: 'http_requests',
      instance: `10.0.0.${series}:9100`,
      job: 'api',
    },
    values: Array.from({ length: POINTS }, (_unused, point) => [
      RANGE.start + point * RANGE.step,
      String(Math.sin(series + point) * 100 ** (series % 3)),
    ]),
  }));
  return Buffer.from(
    JSON.stringify({
      status: 'success',
      data: { resultType: 'matrix', result },
    }),
  );
}

function scan(chunks: Buffer[]): Scanned['columns'] {
  const scanner = new RangeScanner(RANGE, SERIES);
  chunks.forEach(chunk => scanner.write(chunk));
  return scanner.end().columns;
}

function parse(chunks: Buffer[]): Scanned['columns'] {
  const { data } = JSON.parse(Buffer.concat(chunks).toString()) as Answer;
  return data.result.map(({ values }) => {
    const column: (number | null)[] = Array.from<null>({ length: POINTS }).fill(
      null,
    );
    for (const [timestamp, value] of values) {
      column[(timestamp - RANGE.start) / RANGE.step] = Number(value);
    }
    return column;
  });
}

const whole = answer();
const chunks = Array.from(
  { length: Math.ceil(whole.length / CHUNK) },
  (_, index) => whole.subarray(index * CHUNK, (index + 1) * CHUNK),
);
assert.deepEqual(scan(chunks), parse(chunks));

console.log(
  `${cpus()[0].model}, Node ${process.version}, ${(whole.length / 1e6).toFixed(1)} MB`,
);
for (const [name, read] of Object.entries({ scan, parse })) {
  const times: number[] = [];
  let heap = 0;
  for (let round = 0; round < ROUNDS; round++) {
    globalThis.gc?.();
    const before = process.memoryUsage();
    const start = performance.now();
    const columns = read(chunks);
    times.push(performance.now() - start);
    const after = process.memoryUsage();
    heap = Math.max(
      heap,
      after.heapUsed + after.external - before.heapUsed - before.external,
    );
    assert.equal(columns.length, SERIES);
  }
  times.sort((a, b) => a - b);
  console.log(
    `${name.padEnd(6)} median ${times[ROUNDS >> 1].toFixed(0)} ms, least ${times[0].toFixed(0)} ms, heap up by ${(heap / 1e6).toFixed(0)} MB`,
  );
}
