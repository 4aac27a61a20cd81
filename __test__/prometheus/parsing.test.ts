import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import type { EntityPanels } from '@nativestage/backstage-plugin-prometheus-common';
import { prometheusRouter } from '../support/prometheusRouter';
import { json, UpstreamServer } from '../support/UpstreamServer';

/** Of the build that the plugins load. */
const { parser } = createRequire(__filename)('@prometheus-io/lezer-promql') as {
  parser: { startParse: () => unknown };
};

const PANELS = 20;
const REFRESHES = 3;

/** Queries of 2 000 characters, so that no small cache holds them all. */
const queriesOf = (metric: string) =>
  Array.from(
    { length: PANELS },
    (_, n) =>
      `sum(${Array.from({ length: 40 }, (__, m) => `max_over_time(${metric}_${n}_${m}{path=~"/a|/b"}[5m])`).join(' + ')})`,
  );

/** How often any text is parsed while something runs. */
async function parses(run: () => Promise<unknown>): Promise<number> {
  // The method is that of all parsers, however they are configured.
  let prototype = parser;
  while (!Object.hasOwn(prototype, 'startParse')) {
    prototype = Object.getPrototypeOf(prototype) as typeof prototype;
  }
  const { startParse } = prototype;
  let count = 0;
  prototype.startParse = function counting(...args: []) {
    count += 1;
    return startParse.apply(this, args);
  };
  try {
    await run();
  } finally {
    prototype.startParse = startParse;
  }
  return count;
}

describe('the graphs of an entity', () => {
  // Each has queries of its own: what one parsed is not kept for the next.
  for (const [what, more, queries, most] of [
    ['', {}, queriesOf('shop_queue'), 1],
    [
      ', with comments too',
      {},
      queriesOf('shop_stock').map(query => `# Of all\n${query}`),
      1,
    ],
    // The printed query is read again.
    [
      ', and twice where labels are enforced',
      { enforceLabels: { a: 'b' } },
      queriesOf('shop_carts'),
      2,
    ],
  ] as const) {
    it(`are parsed once, whoever asks for them how often${what}`, async t => {
      const server = await UpstreamServer.start(t, ({ url }, response) =>
        json(
          response,
          url.includes('/metadata')
            ? { data: {} }
            : { data: { resultType: 'matrix', result: [] } },
        ),
      );
      const shop = await prometheusRouter(t, {
        prometheus: {
          instances: [{ name: 'default', url: server.url, ...more }],
        },
        annotations: { 'prometheus.io/rule': queries.join(', ') },
      });
      const count = await parses(async () => {
        for (let refresh = 0; refresh < REFRESHES; refresh++) {
          const response = await fetch(`${shop}/panels`);
          const { panels } = (await response.json()) as EntityPanels;
          assert.equal(panels.length, PANELS);
          const statuses = await Promise.all(
            panels.map(async ({ id }) => {
              const start = 60 * refresh;
              const answer = await fetch(`${shop}/panels/${id}/range`, {
                method: 'POST',
                headers: { 'content-type': 'application/json' },
                body: JSON.stringify({ start, end: start + 60 }),
              });
              return answer.status;
            }),
          );
          assert.deepEqual(new Set(statuses), new Set([200]));
        }
      });
      assert.ok(count > 0);
      assert.ok(count <= most * PANELS, `${count} for ${PANELS} graphs`);
    });
  }
});
