import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '@backstage/types';
import type {
  EntityPanels,
  RangeResult,
} from '@nativestage/backstage-plugin-prometheus-common';
import { Prometheus } from '../support/Prometheus';
import { prometheusRouter } from '../support/prometheusRouter';
import { prometheus, without } from '../support/tools';
import { json, UpstreamServer } from '../support/UpstreamServer';

const T0 = 1_767_225_600;
const RANGE = { start: T0, end: T0 + 600, step: 60 };

/** A gauge of ten minutes, in a metric whose name is a word of PromQL as well. */
const SAMPLES = `${[
  '# TYPE offset gauge',
  ...minutes('offset'),
  '# TYPE shop_queue gauge',
  ...minutes('shop_queue{queue="web"}'),
].join('\n')}\n# EOF\n`;

function minutes(series: string): string[] {
  return Array.from(
    { length: 11 },
    (_, minute) => `${series} ${minute} ${T0 + minute * 60}`,
  );
}

interface Drawn {
  status: number;
  body: RangeResult & { error?: { message: string } };
}

/** Draws every graph of an entity. */
async function draw(
  t: Parameters<typeof prometheusRouter>[0],
  instance: JsonObject,
  rule: string,
): Promise<{ panels: EntityPanels; drawn: Drawn[] }> {
  const shop = await prometheusRouter(t, {
    prometheus: { instances: [{ name: 'default', ...instance }] },
    annotations: { 'prometheus.io/rule': rule },
  });
  const panels = (await (await fetch(`${shop}/panels`)).json()) as EntityPanels;
  const drawn = await Promise.all(
    panels.panels.map(async ({ id }) => {
      const response = await fetch(`${shop}/panels/${id}/range`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(RANGE),
      });
      const body = (await response.json()) as Drawn['body'];
      return { status: response.status, body };
    }),
  );
  return { panels, drawn };
}

/** What Prometheus 3's grammar does not have, or reads otherwise than servers do. */
const ODD = [
  'holt_winters(shop_queue[5m], 0.5, 0.5)',
  'offset',
  'shop_queue{queue!="\\x80"}',
];

describe(
  'what the grammar does not know',
  { skip: without(prometheus(2).server, prometheus(2).promtool) },
  () => {
    it('is drawn where the server knows it', async t => {
      const server = await Prometheus.serve(t, {
        major: 2,
        openmetrics: SAMPLES,
      });
      const { panels, drawn } = await draw(
        t,
        { url: server.url },
        ODD.join(', '),
      );
      assert.deepEqual(panels.problems, []);
      assert.deepEqual(
        panels.panels.map(({ query }) => query),
        ODD,
      );
      for (const { status, body } of drawn) {
        assert.equal(status, 200, JSON.stringify(body));
        assert.equal(body.series.length, 1);
        assert.ok(body.series[0].values.some(value => value !== null));
      }
    });

    it("is the server's to refuse", async t => {
      const server = await Prometheus.serve(t, { major: 3 });
      const { panels, drawn } = await draw(
        t,
        { url: server.url },
        'xrate(up[5m]), sum by up',
      );
      assert.deepEqual(panels.problems, []);
      assert.deepEqual(
        drawn.map(({ body }) => body.error?.message),
        [
          'Prometheus refused the query: invalid parameter "query": 1:1: parse error: unknown function with name "xrate"',
          'Prometheus refused the query: invalid parameter "query": 1:8: parse error: unexpected identifier "up" in grouping opts, expected "("',
        ],
      );
    });

    it('is refused with the reason where labels are enforced', async t => {
      const server = await UpstreamServer.start(t, (_, response) =>
        json(response, { data: { resultType: 'matrix', result: [] } }),
      );
      const { panels, drawn } = await draw(
        t,
        { url: server.url, enforceLabels: { team: 'a' } },
        [...ODD.filter(query => query !== 'offset'), 'up'].join(', '),
      );
      assert.equal(panels.problems.length, 2);
      for (const { problem } of panels.problems) {
        assert.match(
          problem,
          /^(?:there is no function "holt_winters"|the string is not closed, or has an escape that PromQL does not know)\. Labels are enforced on this instance, so a query has to be understood/,
        );
      }
      assert.deepEqual(
        drawn.map(({ status }) => status),
        [200],
      );
      const sent = server.asked.flatMap(({ parameters }) =>
        parameters.getAll('query'),
      );
      assert.deepEqual(sent, ['up{team="a"}']);
    });
  },
);
