// A shop's metrics of the last three hours, deterministic but for when they end.

const STEP = 15;
const HOURS = 3;

/** Samples that end now, as OpenMetrics text. */
export function shopSamples(now: number): string {
  const end = Math.floor(now / STEP) * STEP;
  const times = Array.from(
    { length: (HOURS * 3600) / STEP + 1 },
    (_, index) => end - HOURS * 3600 + index * STEP,
  );
  const family = (
    name: string,
    type: string,
    series: Record<string, (secondsAgo: number, time: number) => number>,
  ) => [
    `# TYPE ${name} ${type}`,
    ...Object.entries(series).flatMap(([labels, valueAt]) =>
      times
        .map(time => [valueAt(end - time, time), time] as const)
        .filter(([value]) => value !== GAP)
        .map(([value, time]) => {
          const suffix = type === 'counter' ? '_total' : '';
          return `${name}${suffix}${labels} ${toText(value)} ${time}`;
        }),
    ),
  ];
  return [
    // Both paths twice, told apart by the region alone.
    ...family('shop_requests', 'counter', {
      '{path="/cart",region="eu"}': (_, time) => time * 2,
      '{path="/cart",region="us"}': (_, time) => time * 3,
      '{path="/pay",region="eu"}': (_, time) => time * 5,
    }),
    // Nothing between forty and thirty minutes ago.
    ...family('shop_queue_length', 'gauge', {
      '{queue="web"}': ago => (ago > 1800 && ago < 2400 ? GAP : 7),
    }),
    ...family('shop_idle', 'gauge', { '{queue="web"}': () => 0 }),
    ...family('shop_odd', 'gauge', {
      '{kind="infinite"}': ago => (ago % 600 < 300 ? Infinity : 3),
      '{kind="nothing"}': () => NaN,
      '{kind="plain"}': () => 5,
    }),
    ...family('shop_payload_bytes', 'gauge', {
      '{queue="web"}': () => 1.5 * 1024 ** 3,
    }),
    '# EOF\n',
  ].join('\n');
}

/** Where there is no sample. */
const GAP = -1;

function toText(value: number): string {
  return value === Infinity ? '+Inf' : String(value);
}

/** One alert of each state. */
export const shopRules = [
  {
    alert: 'AlwaysFiring',
    expr: 'vector(12.5)',
    labels: { severity: 'page', team: 'a' },
    annotations: {
      summary: 'The shop burns',
      description: 'It has burnt for a while.',
      runbook_url: 'https://runbooks.example/burning',
    },
  },
  {
    alert: 'Waiting',
    expr: 'vector(2)',
    for: '1h',
    labels: { severity: 'page', team: 'b' },
    annotations: { summary: 'Wait', runbook_url: 'javascript:alert(1)' },
  },
  {
    alert: 'Quiet',
    expr: 'vector(0) > 1',
    labels: { severity: 'info', team: 'b' },
  },
];
