// What an answer costs through the plugin, beside Backstage's own proxy to the same server.
//
//   npm run build:ts && node --import tsx plugins/prometheus-backend/benches/overhead.ts
import assert from 'node:assert/strict';
import { cpus } from 'node:os';
import path from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type {
  EntityPanels,
  RangeResult,
} from '@nativestage/backstage-plugin-prometheus-common';
import { Agent, request } from 'undici';
import {
  entityRoute,
  PortalFixture,
} from '../../../__test__/prometheus/PortalFixture';
import { Program } from '../../../__test__/support/Program';

/** Milliseconds; whatever hangs is ended. */
const LIMIT = 240_000;
const TIMEOUT = 20_000;
const STEP = 60;
const START = 1_767_225_600;

interface Size {
  name: string;
  series: number;
  points: number;
  rounds: number;
}

const SIZES: Size[] = [
  { name: 'small', series: 1, points: 60, rounds: 200 },
  { name: 'large', series: 500, points: 1000, rounds: 8 },
];

/** What the backend says that it has used. */
interface Usage {
  cpuMs: number;
  rss: number;
  peak: number;
  blockedMs: number;
}

interface Range {
  start: number;
  end: number;
  step: number;
}

interface Received {
  bytes: number;
  text: string;
}

interface PrometheusAnswer {
  data: {
    result: {
      metric: Record<string, string>;
      values: [number, string][];
    }[];
  };
}

type Ask = (size: Size, range: Range, encoding: string) => Promise<Received>;

interface Measured {
  median: number;
  p99: number;
  cpuMs: number;
  grownMb: number;
  blockedMs: number;
  bytes: Record<string, number>;
  parseMs: number;
  text: string;
}

const cleanUps: (() => unknown)[] = [];
const scope = { after: (cleanUp: () => unknown) => cleanUps.push(cleanUp) };
const agent = new Agent({
  headersTimeout: TIMEOUT,
  bodyTimeout: TIMEOUT,
  connections: 1,
});

async function send(
  url: string,
  headers: Record<string, string>,
  body: string,
): Promise<Received> {
  const response = await request(url, {
    method: 'POST',
    headers,
    body,
    dispatcher: agent,
  });
  const bytes = Buffer.from(await response.body.arrayBuffer());
  const text = decoded(bytes, String(response.headers['content-encoding']));
  assert.equal(response.statusCode, 200, text.slice(0, 500));
  return { bytes: bytes.length, text };
}

function decoded(bytes: Buffer, encoding: string): string {
  const decoders: Record<string, (bytes: Buffer) => Buffer> = {
    gzip: gunzipSync,
    br: brotliDecompressSync,
  };
  return (decoders[encoding]?.(bytes) ?? bytes).toString();
}

function rangeOf({ points }: Size, round: number): Range {
  const start = START + round * STEP;
  return { start, end: start + (points - 1) * STEP, step: STEP };
}

function queryOf({ series }: Size): string {
  return `bench{series="${series}"}`;
}

function form(size: Size, range: Range): string {
  return new URLSearchParams({
    query: queryOf(size),
    start: String(range.start),
    end: String(range.end),
    step: String(range.step),
  }).toString();
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** A way to an answer. */
interface Way {
  ask: Ask;
  /** What it asks for in a round. */
  range: (round: number) => Range;
}

/** Asks every way in turn, so that what else the machine does is shared by all of them. */
async function measure(
  portal: PortalFixture,
  size: Size,
  ways: Record<string, Way>,
): Promise<Record<string, Measured>> {
  const turns = Object.entries(ways).map(([name, way]) => ({
    name,
    way,
    times: [] as number[],
    usages: [] as (Usage & { grown: number })[],
    text: '',
  }));
  // The first half only lets everyone's code be compiled.
  for (let round = 0; round < size.rounds * 1.5; round++) {
    for (const turn of turns) {
      const { ask, range } = turn.way;
      const before = await portal.program.ask<Usage>('reset');
      const begun = performance.now();
      const { text } = await ask(size, range(round), 'identity');
      const time = performance.now() - begun;
      const after = await portal.program.ask<Usage>('report');
      if (round >= size.rounds / 2) {
        turn.times.push(time);
        turn.usages.push({ ...after, grown: after.peak - before.rss });
        turn.text = text;
      }
    }
  }
  const rows: Record<string, Measured> = {};
  for (const { name, way, times, usages, text } of turns) {
    const bytes: Record<string, number> = {};
    for (const encoding of ['gzip', 'identity']) {
      bytes[encoding] = (await way.ask(size, way.range(0), encoding)).bytes;
    }
    const most = (of: (usage: (typeof usages)[0]) => number) =>
      Math.max(...usages.map(of));
    rows[name] = {
      median: quantile(times, 0.5),
      p99: quantile(times, 0.99),
      cpuMs: quantile(
        usages.map(({ cpuMs }) => cpuMs),
        0.5,
      ),
      grownMb: most(({ grown }) => grown) / 1e6,
      blockedMs: quantile(
        usages.map(({ blockedMs }) => blockedMs),
        0.5,
      ),
      bytes,
      parseMs: parseTime(text),
      text,
    };
  }
  return rows;
}

function quantile(values: number[], q: number): number {
  const sorted = [...values].sort((x, y) => x - y);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
}

/** Milliseconds, the median of a few: a browser has the same engine. */
function parseTime(text: string): number {
  const times = Array.from({ length: 7 }, () => {
    const begun = performance.now();
    JSON.parse(text);
    return performance.now() - begun;
  });
  return quantile(times, 0.5);
}

function assertSame(ours: string, theirs: string): void {
  const { series } = JSON.parse(ours) as RangeResult;
  const { data } = JSON.parse(theirs) as PrometheusAnswer;
  assert.deepEqual(
    series,
    data.result.map(({ metric, values }) => ({
      labels: metric,
      values: values.map(([, value]) => Number(value)),
    })),
  );
}

function print(size: Size, rows: Record<string, Measured>): void {
  const base = rows.proxy;
  console.log(`\n${size.series} series of ${size.points} points`);
  for (const [name, row] of Object.entries(rows)) {
    const cell = (title: string, of: (row: Measured) => number, unit: string) =>
      `${title} ${of(row).toFixed(unit === 'ms' ? 2 : 0)} ${unit} (×${(of(row) / of(base)).toFixed(2)})`;
    console.log(
      [
        name.padEnd(5),
        cell('median', ({ median }) => median, 'ms'),
        cell('p99', ({ p99 }) => p99, 'ms'),
        cell('cpu', ({ cpuMs }) => cpuMs, 'ms'),
        cell('parse', ({ parseMs }) => parseMs, 'ms'),
        cell('gzip', ({ bytes }) => bytes.gzip / 1000, 'kB'),
        cell('plain', ({ bytes }) => bytes.identity / 1000, 'kB'),
        `rss up ${row.grownMb.toFixed(0)} MB`,
        `loop blocked ${row.blockedMs.toFixed(0)} ms`,
      ].join(' | '),
    );
  }
}

async function main(): Promise<void> {
  const upstream = Program.node(scope, path.join(__dirname, 'upstream.cjs'), {
    limit: LIMIT,
  });
  const target = `http://127.0.0.1:${await upstream.message<number>()}`;
  const portal = await PortalFixture.start(scope, {
    script: path.join(__dirname, 'backend.cjs'),
    prometheus: { instances: [{ name: 'default', url: target }] },
    proxy: { endpoints: { '/prometheus': { target } } },
    permissions: false,
    entities: {
      bench: {
        annotations: { 'prometheus.io/rule': SIZES.map(queryOf).join(',') },
      },
    },
    env: { NODE_ENV: 'production' },
  });
  const { body } = await portal.ask<EntityPanels>(
    entityRoute('bench', 'panels'),
  );
  const headers = { authorization: portal.authorization };

  const proxy: Ask = (size, range, encoding) =>
    send(
      `${portal.url}/api/proxy/prometheus/api/v1/query_range`,
      { ...headers, ...FORM, 'accept-encoding': encoding },
      form(size, range),
    );
  const ours: Ask = (size, range, encoding) => {
    const { id } = body.panels[SIZES.indexOf(size)];
    const route = entityRoute('bench', `panels/${id}/range`);
    return send(
      `${portal.url}/api/prometheus${route}`,
      {
        ...headers,
        'content-type': 'application/json',
        'accept-encoding': encoding,
      },
      JSON.stringify(range),
    );
  };

  console.log(`${cpus().length} × ${cpus()[0].model}, Node ${process.version}`);
  for (const size of SIZES) {
    for (let round = 0; round <= size.rounds * 1.5; round++) {
      await send(
        `${target}/api/v1/query_range`,
        { ...FORM, 'accept-encoding': 'gzip' },
        form(size, rangeOf(size, round)),
      );
    }
    const first = rangeOf(size, 0);
    const moving = (round: number) => rangeOf(size, round);
    const rows = await measure(portal, size, {
      proxy: { ask: proxy, range: moving },
      cold: { ask: ours, range: round => rangeOf(size, round + 1) },
      warm: { ask: ours, range: () => first },
    });
    const last = moving(size.rounds * 1.5);
    assertSame(rows.cold.text, (await proxy(size, last, 'identity')).text);
    assertSame(rows.warm.text, (await proxy(size, first, 'identity')).text);
    print(size, rows);
  }
}

main()
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(async () => {
    for (const cleanUp of cleanUps.reverse()) {
      await cleanUp();
    }
    await agent.close();
  });
