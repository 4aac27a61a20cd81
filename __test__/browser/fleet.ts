// The metrics of a fleet with weather of its own: a day that has a shape, an outage, and long names.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

const STEP = 30;
const HOURS = 6;
const DAY = 86_400;

export const LONG_METRIC =
  'fleet_checkout_service_payment_provider_authorization_request_duration_budget_remaining_ratio';

const POD = 'eu-west-1-production-checkout-7d9f8c6b5';

/** Repeats itself, and looks as if it did not. */
function noise(seed: number, time: number): number {
  const x =
    Math.sin(seed * 12.9898 + Math.floor(time / STEP) * 78.233) * 43_758;
  return x - Math.floor(x);
}

/** From 0.2 at night to 1 in the afternoon. */
function daylight(time: number): number {
  return 0.6 + 0.4 * Math.sin((2 * Math.PI * (time % DAY)) / DAY - 2);
}

/** Samples that end now, as OpenMetrics text. */
export function fleetSamples(now: number): string {
  const end = Math.floor(now / STEP) * STEP;
  const start = end - HOURS * 3600;
  const times = Array.from(
    { length: (HOURS * 3600) / STEP + 1 },
    (_, index) => start + index * STEP,
  );
  const isOutage = (time: number) => end - time > 1500 && end - time < 2400;
  const lines: string[] = [];
  const add = (
    name: string,
    type: 'gauge' | 'counter',
    series: [labels: string, valueAt: (time: number) => number][],
  ) => {
    lines.push(`# TYPE ${name} ${type}`);
    for (const [labels, valueAt] of series) {
      let sum = 0;
      for (const time of times) {
        sum += valueAt(time) * STEP;
        const value = type === 'counter' ? sum : valueAt(time);
        const suffix = type === 'counter' ? '_total' : '';
        lines.push(`${name}${suffix}{${labels}} ${value.toFixed(4)} ${time}`);
      }
    }
  };
  add(
    'fleet_requests',
    'counter',
    (
      [
        ['200', 120],
        ['302', 14],
        ['404', 9],
        ['500', 1.5],
        ['503', 0.5],
      ] as const
    ).map(([code, rate], seed) => [
      `code="${code}"`,
      time =>
        rate *
        daylight(time) *
        (0.8 + 0.4 * noise(seed, time)) *
        (code.startsWith('5') && isOutage(time) ? 14 : 1),
    ]),
  );
  add(
    'fleet_latency_seconds',
    'gauge',
    Array.from({ length: 24 }, (_, pod) => [
      `pod="${POD}-${(pod * 7919 + 4096).toString(36)}"`,
      time =>
        0.04 +
        0.02 * pod * daylight(time) * (0.7 + 0.6 * noise(pod, time)) +
        (isOutage(time) ? 0.3 : 0),
    ]),
  );
  add(
    'up',
    'gauge',
    ['checkout', 'payments', 'stock', 'search'].map((job, seed) => [
      `job="${job}",instance="10.0.0.${seed + 1}:9090"`,
      time =>
        isOutage(time) && seed < 2 ? 0 : noise(seed, time) < 0.01 ? 0 : 1,
    ]),
  );
  add(LONG_METRIC, 'gauge', [
    [
      `provider="${'a-provider-of-payments-with-a-very-long-name'.repeat(3)}"`,
      time => 0.9 - 0.3 * noise(7, time) - (isOutage(time) ? 0.4 : 0),
    ],
  ]);
  add('fleet_queue_bytes', 'gauge', [
    [
      'queue="orders"',
      time => 2 ** (16 + 8 * daylight(time) + 2 * noise(3, time)),
    ],
    ['queue="mails"', time => 2 ** (8 + 6 * noise(5, time))],
  ]);
  return [...lines, '# EOF\n'].join('\n');
}

/** A target whose buckets have traces, many more with every scrape; its address. */
export async function serveTraces(
  t: Pick<TestContext, 'after'>,
): Promise<string> {
  let scrapes = 0;
  const server = createServer((_request, response) => {
    scrapes++;
    const buckets = Array.from({ length: 100 }, (_, route) => {
      const value = (0.02 + 0.4 * noise(route, scrapes * STEP)).toFixed(3);
      return `traced_seconds_bucket{route="${route}",le="1.0"} ${scrapes} # {trace_id="${scrapes}-${route}"} ${value}`;
    });
    response.setHeader(
      'content-type',
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    );
    response.end(
      ['# TYPE traced_seconds histogram', ...buckets, '# EOF\n'].join('\n'),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An entity's `prometheus.io/panels`: each kind of graph once. */
export const FLEET_PANELS = `
- title: Requests by status
  query: sum by (code) (rate(fleet_requests_total[5m]))
  legend: 'HTTP {{code}}'
  graphType: stacked
- title: Latency of the pods
  query: fleet_latency_seconds
  dimension: pod
  thresholds:
    - { value: 0.5, label: objective, severity: critical }
- title: Targets
  query: up
  legend: '{{job}}'
  graphType: timeline
  width: full
- title: Requests now
  query: sum(rate(fleet_requests_total[5m]))
  unit: count/s
  graphType: stat
- title: Queues
  query: fleet_queue_bytes
  dimension: queue
  scale: log
- query: ${LONG_METRIC}
  graphType: step
- title: Traced requests
  query: sum by (route) (rate(traced_seconds_bucket{route=~"1|2"}[1m]))
  exemplars: true
`;
