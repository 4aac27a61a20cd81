// Reading answers as they arrive beside JSON.parse of the whole: the time of all, and of the longest
// step, for which nothing else gets its turn.
//
//   node --import tsx plugins/prometheus-backend/benches/jsonReader.ts
import assert from 'node:assert/strict';
import { cpus } from 'node:os';
import { JsonReader, type Shape } from '../src/client/JsonReader';
import { seriesShape } from '../src/client/seriesShape';

const CHUNK = 65_536;
const ROUNDS = 7;
const SERIES = 500;

interface Step {
  total: number;
  longest: number;
}

const labels = (at: number) => ({
  __name__: 'http_requests_total',
  instance: `10.0.0.${at}:9100`,
  job: 'api',
});

const samples = (count: number) => ({
  status: 'success',
  data: {
    resultType: 'vector',
    result: Array.from({ length: count }, (_, at) => ({
      metric: labels(at),
      value: [1_767_225_600, String(Math.sin(at))],
    })),
  },
});

const rules = {
  data: {
    groups: [
      {
        name: 'g',
        rules: Array.from({ length: 10_000 }, (_, at) => ({
          name: `rule${at}`,
          query: 'rate(http_requests_total{code=~"5.."}[5m]) > 1',
          annotations: { description: 'It is {{ $value }}. '.repeat(20) },
          alerts: [{ state: 'firing', labels: labels(at), annotations: {} }],
        })),
      },
    ],
  },
};

function inSteps(steps: (() => void)[]): Step {
  const times = steps.map(step => {
    const start = performance.now();
    step();
    return performance.now() - start;
  });
  return {
    total: times.reduce((sum, time) => sum + time, 0),
    longest: Math.max(...times),
  };
}

function read(chunks: Buffer[], shape?: Shape): [unknown, Step] {
  const reader = new JsonReader(shape);
  let json: unknown;
  const step = inSteps([
    ...chunks.map(chunk => () => reader.write(chunk)),
    () => {
      json = reader.end();
    },
  ]);
  return [json, step];
}

function parse(chunks: Buffer[]): [unknown, Step] {
  let json: unknown;
  const step = inSteps([
    () => {
      json = JSON.parse(Buffer.concat(chunks).toString());
    },
  ]);
  return [json, step];
}

function least(run: () => [unknown, Step]): Step {
  const steps = Array.from({ length: ROUNDS }, () => run()[1]);
  return {
    total: Math.min(...steps.map(({ total }) => total)),
    longest: Math.min(...steps.map(({ longest }) => longest)),
  };
}

console.log(`${cpus()[0].model}, Node ${process.version}`);
for (const [what, body, shape] of [
  ['500 samples', samples(SERIES), undefined],
  ['200 000 samples, all', samples(200_000), undefined],
  ['200 000 samples, cut', samples(200_000), () => seriesShape(SERIES)],
  ['10 000 rules', rules, undefined],
] as [string, object, (() => Shape) | undefined][]) {
  const whole = Buffer.from(JSON.stringify(body));
  const chunks = Array.from(
    { length: Math.ceil(whole.length / CHUNK) },
    (_, at) => whole.subarray(at * CHUNK, (at + 1) * CHUNK),
  );
  if (shape) {
    const [json] = read(chunks, shape());
    assert.deepEqual(json, samples(SERIES));
  } else {
    assert.deepEqual(read(chunks)[0], body);
  }
  const [ours, theirs] = [
    least(() => read(chunks, shape?.())),
    least(() => parse(chunks)),
  ];
  console.log(
    [
      what.padEnd(22),
      `${(whole.length / 1e6).toFixed(1).padStart(5)} MB`,
      `reader ${ours.total.toFixed(1)} ms, longest step ${ours.longest.toFixed(2)} ms`,
      `JSON.parse ${theirs.total.toFixed(1)} ms at once`,
      `×${(ours.total / theirs.total).toFixed(2)}`,
    ].join('  '),
  );
}
