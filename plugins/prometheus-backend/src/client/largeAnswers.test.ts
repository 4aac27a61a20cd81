import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { eventually } from '../../../../__test__/support/eventually';
import {
  clientOf,
  querierOf,
} from '../../../../__test__/support/prometheusClients';
import { UpstreamServer } from '../../../../__test__/support/UpstreamServer';

const RANGE = { start: 0, end: 600, step: 60 };

/** Milliseconds of the processor until others get their turn. A chunk of 64 KiB takes one or two. */
const MOST = 400;

const labels = (at: number) => ({
  __name__: 'requests',
  instance: `10.0.0.${at}:9100`,
  path: `/a/path/of/some/length/${at}`,
});

/** An answer that a server sends all at once, in parts that are made before. */
function answerOf(
  before: string,
  element: (at: number) => unknown,
  count: number,
  after: string,
): Buffer {
  const elements = Array.from({ length: count }, (_, at) =>
    JSON.stringify(element(at)),
  );
  return Buffer.from(before + elements.join() + after);
}

/** As a server sends them: as fast as the other side reads. */
function* chunksOf(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += 65_536) {
    yield body.subarray(at, at + 65_536);
  }
}

async function serving(t: Parameters<typeof clientOf>[0], body: Buffer) {
  const server = await UpstreamServer.start(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    Readable.from(chunksOf(body)).pipe(response);
  });
  return { server, client: clientOf(t, server.url) };
}

/** What a task gives, and how much of the processor it took between two turns at the most. */
async function watched<T>(task: () => Promise<T>) {
  let isOver = false;
  let longest = 0;
  let last = process.cpuUsage();
  const turn = () => {
    const { user, system } = process.cpuUsage(last);
    longest = Math.max(longest, (user + system) / 1000);
    last = process.cpuUsage();
    if (!isOver) {
      setImmediate(turn);
    }
  };
  turn();
  const result = await task();
  isOver = true;
  turn();
  return { result, longest };
}

describe('an answer that is far too large', () => {
  test('of a moment is cut where there are enough samples, and the rest is not sent', async t => {
    const body = answerOf(
      '{"status":"success","data":{"resultType":"vector","result":[',
      at => ({ metric: labels(at), value: [600, String(at)] }),
      200_000,
      ']},"warnings":[]}',
    );
    assert.ok(body.length > 20e6);
    const { client, server } = await serving(t, body);
    const { result, longest } = await watched(() => client.query('up'));
    assert.equal(result.samples.length, 500);
    assert.deepEqual(result.samples[1], {
      labels: labels(1),
      value: 1,
      timestamp: 600,
    });
    assert.deepEqual(result.truncated, { shown: 500, received: 501 });

    assert.ok(longest < MOST, `the event loop stood for ${longest} ms`);
    await eventually(() => assert.equal(server.abandoned, 1), 5_000);
  });

  test('of a range too', async t => {
    const body = answerOf(
      '{"status":"success","data":{"resultType":"matrix","result":[',
      at => ({ metric: labels(at), values: [[60, String(at)]] }),
      200_000,
      ']}}',
    );
    const { client, server } = await serving(t, body);
    const { result, longest } = await watched(() =>
      client.queryRange('up', RANGE),
    );
    assert.equal(result.series.length, 500);
    assert.deepEqual(result.series[499].values.slice(0, 3), [null, 499, null]);
    assert.deepEqual(result.truncated, { shown: 500, received: 501 });

    assert.ok(longest < MOST, `the event loop stood for ${longest} ms`);
    await eventually(() => assert.equal(server.abandoned, 1), 5_000);
  });

  test('with native histograms is counted, and none of them is built', async t => {
    const buckets = Array.from({ length: 160 }, (_, at) => [
      0,
      at,
      at + 1,
      '1',
    ]);
    const histogram = { count: '160', sum: '1', buckets };
    const body = answerOf(
      '{"status":"success","data":{"resultType":"matrix","result":[',
      at => ({
        metric: labels(at),
        histograms: Array.from({ length: 11 }, (_, step) => [
          step * 60,
          histogram,
        ]),
      }),
      600,
      ']}}',
    );
    const { client } = await serving(t, body);
    const { result, longest } = await watched(() =>
      client.queryRange('up', RANGE),
    );
    assert.deepEqual(result.series, []);
    assert.match(result.infos.join(), /500 series are native histograms/);

    assert.ok(longest < MOST, `the event loop stood for ${longest} ms`);
  });

  test('of a range where a moment was asked for is not built', async t => {
    const values = Array.from({ length: 1000 }, (_, at) => [at, '1']);
    const body = answerOf(
      '{"status":"success","data":{"resultType":"matrix","result":[',
      at => ({ metric: labels(at), values }),
      400,
      ']}}',
    );
    const { client } = await serving(t, body);
    const { longest } = await watched(() =>
      assert.rejects(client.query('up[5m]'), { message: /gives a matrix/ }),
    );

    assert.ok(longest < MOST, `the event loop stood for ${longest} ms`);
  });

  test('of rules is read rule by rule', async t => {
    const body = answerOf(
      '{"data":{"groups":[{"name":"g","rules":[',
      at => ({
        name: `rule${at}`,
        query: 'up == 0',
        labels: { severity: 'page' },
        annotations: {
          summary: 'It is {{ $value }}',
          description: 'x'.repeat(500),
        },
        alerts: [{ state: 'firing', labels: labels(at), annotations: {} }],
      }),
      20_000,
      ']}]}}',
    );
    const { client } = await serving(t, body);
    const { result, longest } = await watched(() => client.rules());
    const [{ rules }] = result.groups;
    assert.equal(rules.length, 20_000);
    assert.equal(rules[7].alerts[0].labels.path, labels(7).path);

    assert.ok(longest < MOST, `the event loop stood for ${longest} ms`);
  });

  test('of exemplars ends where there are enough', async t => {
    const body = answerOf(
      '{"data":[{"seriesLabels":{"a":"b"},"exemplars":[',
      at => ({ labels: { trace_id: `${at}` }, value: '1', timestamp: at }),
      200_000,
      ']}]}',
    );
    const { client, server } = await serving(t, body);
    const { result, longest } = await watched(() =>
      client.exemplars('up', RANGE),
    );
    assert.deepEqual(
      [result.length, result[0].exemplars.length, result[0].exemplars[9].value],
      [1, 10_000, 1],
    );

    assert.ok(longest < MOST, `the event loop stood for ${longest} ms`);
    await eventually(() => assert.equal(server.abandoned, 1), 5_000);
  });

  test('of metadata is refused', async t => {
    const body = answerOf(
      '{"data":{"up":[',
      () => ({ type: 'gauge', help: 'x'.repeat(1000), unit: '' }),
      2_000,
      ']}}',
    );
    const { client } = await serving(t, body);
    await assert.rejects(client.metadata('up'), {
      message: /is larger than 1048576 bytes/,
    });
  });

  test('of an Alertmanager is read alert by alert, and looked up at once', async t => {
    const body = answerOf(
      '[',
      at => ({
        labels: { alertname: 'A', cluster: 'one', ...labels(at) },
        annotations: { description: 'x'.repeat(500) },
        status: { silencedBy: at % 2 ? ['an-id'] : [], state: 'active' },
      }),
      30_000,
      ']',
    );
    const { server } = await serving(t, body);
    const querier = querierOf(t, {
      instances: [
        { name: 'a', url: server.url, alertmanager: { url: server.url } },
      ],
    });
    const { result, longest } = await watched(async () => {
      const silences = await querier.silences({ instance: 'a', user: 'u' });
      return Array.from({ length: 500 }, (_, at) =>
        silences!.has({ alertname: 'A', ...labels(at) }),
      );
    });
    assert.equal(result.filter(Boolean).length, 250);

    assert.ok(longest < MOST, `the event loop stood for ${longest} ms`);
  });

  test('that nests without end is refused', async t => {
    for (const text of ['[', '{"data":', '{"data":{"result":[']) {
      const { client } = await serving(t, Buffer.from(text.repeat(1_000_000)));
      for (const ask of [
        () => client.query('up'),
        () => client.queryRange('up', RANGE),
        () => client.rules(),
      ]) {
        await assert.rejects(ask(), {
          message: /not of the API of Prometheus/,
        });
      }
    }
  });
});
