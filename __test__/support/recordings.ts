import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { Alertmanager } from './Alertmanager';
import { FIXTURES } from './Program';
import { UpstreamServer } from './UpstreamServer';
import { VictoriaMetrics, Vmalert } from './VictoriaMetrics';

const DIRECTORY = path.join(FIXTURES, 'prometheus/recorded');

export type RecordedServer = 'victoria-metrics' | 'vmalert' | 'alertmanager';

/** What a server said. */
export interface RecordedAnswer {
  status: number;
  contentType: string;
  body: unknown;
}

/** A request whose answer is kept under its name. */
export interface Recording {
  name: string;
  server: RecordedServer;
  path: string;
  /** Sent as a form; without any it is a GET. */
  parameters?: Record<string, string>;
}

/** Seconds since 1970: when the samples of VictoriaMetrics begin. */
export const START = Date.UTC(2026, 0, 1) / 1000;
const END = START + 300;
const range = { start: String(START), end: String(END), step: '60' };
const instant = { time: String(START + 60) };

/** A sample a minute; the odd series has one for each kind of value that is none. */
const SERIES: Record<string, (minute: number) => number | string> = {
  'requests{code="200",method="get"}': minute => minute,
  'requests{code="200",method="post"}': minute => minute / 8,
  'requests{code="500",method="get"}': () => 0,
  'odd{kind="mixed"}': minute => [1, 'NaN', '+Inf', '-Inf', 0.25][minute % 5],
};

const labels = { team: 'a', severity: 'page' };
const annotations = {
  summary: 'It is {{ $value }}',
  runbook_url: 'https://runbooks.example.com/one',
};
/** One for each state, one that fails, one without anything, and a group without rules. */
const GROUPS = [
  {
    name: 'alerts',
    rules: [
      { alert: 'Quiet', expr: 'vector(0) > 1', labels, annotations },
      { alert: 'Waiting', expr: 'vector(2)', for: '1h', labels, annotations },
      { alert: 'Burning', expr: 'vector(1.5)', labels, annotations },
      {
        alert: 'Broken',
        expr: 'label_replace(vector(1), "a", "$1", "b", "(")',
      },
      { alert: 'Bare', expr: 'vector(0) > 1' },
      { record: 'recorded', expr: 'vector(1)' },
    ],
  },
  { name: 'empty', rules: [] },
];

const query = (name: string, text: string): Recording => ({
  name: `victoria-metrics-${name}`,
  server: 'victoria-metrics',
  path: '/api/v1/query',
  parameters: { query: text, ...instant },
});
const rangeQuery = (name: string, text: string, more = {}): Recording => ({
  name: `victoria-metrics-${name}`,
  server: 'victoria-metrics',
  path: '/api/v1/query_range',
  parameters: { query: text, ...range, ...more },
});

export const RECORDINGS: Recording[] = [
  rangeQuery('range', 'requests'),
  rangeQuery('odd', 'odd'),
  rangeQuery('refused', 'sum(requests'),
  rangeQuery('many-points', 'sum(requests)', { step: '0.001' }),
  query('instant', 'requests'),
  query('scalar', '1'),
  query('string', '"text"'),
  query('matrix', 'requests[5m]'),
  query('failed', 'requests{code="200"} + on(code) requests{code="200"}'),
  {
    name: 'victoria-metrics-metadata',
    server: 'victoria-metrics',
    path: '/api/v1/metadata?metric=requests',
  },
  {
    name: 'victoria-metrics-exemplars',
    server: 'victoria-metrics',
    path: '/api/v1/query_exemplars',
    parameters: { query: 'requests', start: range.start, end: range.end },
  },
  {
    name: 'victoria-metrics-rules',
    server: 'victoria-metrics',
    path: '/api/v1/rules?type=alert',
  },
  {
    name: 'vmalert-rules',
    server: 'vmalert',
    path: '/api/v1/rules?type=alert',
  },
  {
    name: 'vmalert-query',
    server: 'vmalert',
    path: '/api/v1/query',
    parameters: { query: 'requests', ...instant },
  },
  {
    name: 'alertmanager-alerts',
    server: 'alertmanager',
    path: '/api/v2/alerts?active=true&silenced=true&inhibited=true',
  },
];

/** The real servers, with what the recordings ask them about. */
export async function startServers(
  t: TestContext,
): Promise<Record<RecordedServer, string>> {
  const samples = Object.entries(SERIES).flatMap(([series, value]) =>
    Array.from(
      { length: 120 },
      (_, minute) =>
        `${series} ${value(minute)} ${(START + minute * 60) * 1000}`,
    ),
  );
  const [victoria, alertmanager] = await Promise.all([
    VictoriaMetrics.serve(t, samples.join('\n')),
    Alertmanager.serve(t),
  ]);
  const vmalert = await Vmalert.serve(t, victoria, GROUPS);
  await alertmanager.fire(
    { alertname: 'Burning', ...labels, cluster: 'test' },
    { alertname: 'Smoking', ...labels },
  );
  await alertmanager.silence({ alertname: 'Burning' });
  return {
    'victoria-metrics': victoria.url,
    vmalert: vmalert.url,
    alertmanager: alertmanager.url,
  };
}

/** Asks a server that runs. */
export async function ask(
  url: string,
  { path: route, parameters }: Recording,
): Promise<RecordedAnswer> {
  const response = await fetch(`${url}${route}`, {
    method: parameters ? 'POST' : 'GET',
    body: parameters && new URLSearchParams(parameters),
  });
  const text = await response.text();
  const contentType = response.headers.get('content-type') ?? '';
  const body: unknown = contentType.includes('json') ? JSON.parse(text) : text;
  return { status: response.status, contentType, body };
}

export function readRecording({ name }: Recording): RecordedAnswer {
  return JSON.parse(readFileSync(fileOf(name), 'utf8')) as RecordedAnswer;
}

export function writeRecording(
  { name }: Recording,
  answer: RecordedAnswer,
): void {
  writeFileSync(fileOf(name), `${JSON.stringify(answer, undefined, 2)}\n`);
}

/** A server that says what the real one said. */
export function replay(
  t: TestContext,
  server: RecordedServer,
): Promise<UpstreamServer> {
  return UpstreamServer.start(t, ({ url, parameters }, response) => {
    const found = RECORDINGS.find(
      recording =>
        recording.server === server &&
        recording.path.split('?')[0] === url.split('?')[0] &&
        (recording.parameters?.query ?? null) === parameters.get('query'),
    );
    if (!found) {
      response.writeHead(500).end(`${url} was not recorded`);
      return;
    }
    const { status, contentType, body } = readRecording(found);
    response.writeHead(status, { 'content-type': contentType });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

function fileOf(name: string): string {
  return path.join(DIRECTORY, `${name}.json`);
}
