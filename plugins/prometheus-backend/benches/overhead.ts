// A request through the plugin beside one through Backstage's own proxy: how long until the answer
// is there, and what the backend's event loop gives to it.
//
//   npm run build && node --import tsx plugins/prometheus-backend/benches/overhead.ts
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus } from 'node:os';
import path from 'node:path';

const START = 1_767_225_600;
const STEP = 60;
const ROUNDS = 15;

/** Series and points of an answer, and what it stands for. */
const CASES = [
  { title: 'a small answer, 5 series of 60 points', series: 5, points: 60 },
  { title: '500 series of 1 000 points', series: 500, points: 1000 },
];

interface Measured {
  /** Milliseconds. */
  time: number;
  /** Milliseconds that the backend's event loop was busy. */
  busy: number;
  bytes: number;
}

async function main() {
  const answers = new Map(CASES.map(one => [one.points, answer(one)]));
  const upstream = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = Buffer.concat(chunks).toString() || request.url!;
      const parameters = new URLSearchParams(form.replace(/^.*\?/, ''));
      const points =
        (Number(parameters.get('end')) - Number(parameters.get('start'))) /
          STEP +
        1;
      response.setHeader('content-type', 'application/json');
      response.end(answers.get(points) ?? '{"status":"success","data":{}}');
    });
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo;
  const backend = fork(path.join(__dirname, 'overheadBackend.ts'), {
    env: { ...process.env, UPSTREAM: `http://127.0.0.1:${port}` },
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [{ url, panel }] = (await once(backend, 'message')) as [
    { url: string; panel: string },
  ];
  const ask = async (send: (round: number) => Promise<Response>) => {
    const measured: Measured[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = await busyTime(backend);
      const start = performance.now();
      const response = await send(round);
      const body = await response.text();
      const time = performance.now() - start;
      assert.equal(response.status, 200, body.slice(0, 300));
      const busy = (await busyTime(backend)) - before;
      measured.push({ time, busy, bytes: body.length });
    }
    return median(measured);
  };
  console.log(`${cpus()[0].model}, Node ${process.version}`);
  for (const { title, series, points } of CASES) {
    // Each round another range: the plugin keeps answers.
    const range = (round: number) => ({
      start: START + round * STEP,
      end: START + (round + points - 1) * STEP,
    });
    const plugin = await ask(round =>
      fetch(`${url}/api/prometheus/${panel}/range`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...range(round), step: STEP }),
      }),
    );
    const repeated = await ask(() =>
      fetch(`${url}/api/prometheus/${panel}/range`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...range(0), step: STEP }),
      }),
    );
    const proxy = await ask(round => {
      const { start, end } = range(round);
      return fetch(
        `${url}/api/proxy/prometheus/query_range?query=up&start=${start}&end=${end}&step=${STEP}`,
      );
    });
    console.log(`\n${title} (${series * points} values)`);
    for (const [name, { time, busy, bytes }] of Object.entries({
      plugin,
      'plugin, again': repeated,
      proxy,
    })) {
      console.log(
        `  ${name.padEnd(14)} ${time.toFixed(1).padStart(7)} ms, event loop ${busy.toFixed(1).padStart(6)} ms, ${(bytes / 1024).toFixed(0)} KiB to the browser`,
      );
    }
    console.log(
      `  ratio to the proxy: time ${(plugin.time / proxy.time).toFixed(2)}, again ${(repeated.time / proxy.time).toFixed(2)}, bytes ${(plugin.bytes / proxy.bytes).toFixed(2)}`,
    );
  }
  backend.kill();
  upstream.close();
}

function busyTime(backend: ReturnType<typeof fork>): Promise<number> {
  backend.send('busy');
  return once(backend, 'message').then(([busy]) => busy as number);
}

function median(measured: Measured[]): Measured {
  const sorted = [...measured].sort((a, b) => a.time - b.time);
  return sorted[Math.floor(sorted.length / 2)];
}

function answer({ series, points }: (typeof CASES)[number]): string {
  const result = Array.from({ length: series }, (_, one) => ({
    metric: { __name__: 'up', instance: `10.0.0.${one}:9100`, job: 'api' },
    values: Array.from({ length: points }, (_unused, point) => [
      START + point * STEP,
      String(Math.sin(one + point)),
    ]),
  }));
  return JSON.stringify({
    status: 'success',
    data: { resultType: 'matrix', result },
  });
}

void main();
