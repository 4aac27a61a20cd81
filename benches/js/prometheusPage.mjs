// One large page for Prometheus, beside the exporter of OpenTelemetry's JS SDK.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { get } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { startChild, withChildren } from './children.mjs';
import { median, ratio } from './measure.mjs';
import { residentMemory, resetPeak } from './processMemory.mjs';
import { runAlone } from './section.mjs';

const POINTS = 40_000;
const WARM_UP = 3;
const ROUNDS = 11;

const TARGETS = {
  /** How many times sooner than the JS exporter's the page is there. */
  time: 25,
  /** Milliseconds of the event loop. */
  blocked: 1,
  /** Of the page's bytes: a page that is built before it is sent takes all of them, and a copy. */
  memory: 0.5,
};

const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0';

/** What is asked for, of whom. */
const SCRAPES = [
  { name: 'ours', side: 'ours', headers: {} },
  { name: 'JS SDK', side: 'JS SDK', headers: {} },
  {
    name: 'ours, OpenMetrics',
    side: 'ours',
    headers: { accept: OPEN_METRICS },
  },
  { name: 'ours, gzip', side: 'ours', headers: { 'accept-encoding': 'gzip' } },
];

/** Status and body of a GET, and the milliseconds to its last byte. */
async function fetchPage(url, headers) {
  const start = performance.now();
  const [response] = await once(
    get(url, { headers, agent: false }),
    'response',
  );
  const chunks = [];
  response.on('data', chunk => chunks.push(chunk));
  await once(response, 'end');
  const time = performance.now() - start;
  assert.equal(response.statusCode, 200);
  return { time, body: Buffer.concat(chunks), headers: response.headers };
}

/** How many samples the page has of what the sides recorded, and their sum. */
function samples({ body, headers }) {
  const zipped = headers['content-encoding'] === 'gzip';
  const text = (zipped ? gunzipSync(body) : body).toString();
  const found = { points: 0, sum: 0 };
  // Not OpenMetrics' `_created`, which the other pages have not.
  const lines = text.matchAll(/^bench_instrument_\d+_total{.*} (\S+)/gm);
  for (const [, value] of lines) {
    found.points++;
    found.sum += Number(value);
  }
  return found;
}

/** What `during` comes to, and how long the child's event loop is busy meanwhile. */
async function watch(child, during) {
  await child.ask('beginWatch');
  const result = await during();
  return { result, busy: await child.ask('endWatch') };
}

async function scrape({ child, url, headers }) {
  const recorded = await child.ask('touch');
  const before = residentMemory(child.pid, 'VmRSS');
  resetPeak(child.pid);
  const { result: page, busy } = await watch(child, () =>
    fetchPage(url, headers),
  );
  const growth = residentMemory(child.pid, 'VmHWM') - before;
  // The questions take the event loop's time as well.
  const { busy: asked } = await watch(child, () => sleep(page.time));
  const blocked = busy - asked;
  const { points, sum } = recorded;
  assert.deepEqual(samples(page), { points, sum });
  return { time: page.time, blocked, growth, bytes: page.body.length };
}

export function benchPrometheusPage() {
  const starts = SCRAPES.map(() => () => startChild('prometheusCase.mjs'));
  return withChildren(starts, async (...children) => {
    const found = {};
    const first = {};
    const scrapes = [];
    for (const [i, { name, side, headers }] of SCRAPES.entries()) {
      const child = children[i];
      const url = await child.ask('start', { side, series: POINTS });
      scrapes.push({ name, child, url, headers });
      found[name] = [];
    }
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      for (let i = 0; i < scrapes.length; i++) {
        const one = scrapes[(i + round + WARM_UP) % scrapes.length];
        const measured = await scrape(one);
        first[one.name] ??= measured;
        if (round >= 0) {
          found[one.name].push(measured);
        }
      }
    }
    return section(found, first);
  });
}

function section(found, first) {
  const of = (name, what) => found[name].map(round => round[what]);
  const middle = (name, what) => median(of(name, what));
  const pageMegabytes = middle('ours', 'bytes') / 1e6;
  return {
    meaning:
      'From the request to the last byte, what of that the event loop is busy, and how much the process grows ' +
      'meanwhile: at the first scrape, and at later ones, beyond what it holds by then. Every series was recorded in ' +
      'since the scrape before.',
    rows: SCRAPES.map(({ name }) => ({
      case: name,
      'time ms': middle(name, 'time').toFixed(1),
      '× ours': ratio(of(name, 'time'), of('ours', 'time')).toFixed(1),
      'event loop ms': middle(name, 'blocked').toFixed(2),
      'growth, first MB': first[name].growth.toFixed(1),
      'growth, later MB': middle(name, 'growth').toFixed(1),
      'page MB': (middle(name, 'bytes') / 1e6).toFixed(1),
    })),
    targets: [
      {
        what: `a page of ${POINTS} points, times sooner than the JS SDK's`,
        found: ratio(of('JS SDK', 'time'), of('ours', 'time')),
        atLeast: TARGETS.time,
        unit: ' ×',
      },
      {
        what: 'event-loop time of that scrape',
        found: middle('ours', 'blocked'),
        atMost: TARGETS.blocked,
        unit: ' ms',
      },
      ...[
        ['the first scrape', first.ours.growth],
        ['later ones', middle('ours', 'growth')],
      ].map(([when, found]) => ({
        what: `growth of memory during ${when}, of a page of ${pageMegabytes.toFixed(1)} MB`,
        found,
        atMost: Number((TARGETS.memory * pageMegabytes).toFixed(1)),
        unit: ' MB',
      })),
    ],
  };
}

await runAlone(import.meta, benchPrometheusPage);
