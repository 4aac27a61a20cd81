import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prometheus } from '../../../../__test__/support/Prometheus';
import { querierOf } from '../../../../__test__/support/prometheusClients';
import { prometheus, without } from '../../../../__test__/support/tools';

const T0 = 1_700_006_400;
const ASK = {
  instance: 'a',
  user: 'user:default/guest',
  start: T0,
  end: T0 + 600,
  step: 60,
};

for (const major of [2, 3] as const) {
  const { server, promtool } = prometheus(major);
  test(
    `of too many series those are kept that add up to most, with Prometheus ${major}`,
    { skip: without(server, promtool) },
    async t => {
      const { url } = await Prometheus.serve(t, {
        major,
        openmetrics: samples(),
      });
      const querier = querierOf(t, {
        instances: [{ name: 'a', url }],
        limits: { maxSeries: 3 },
      });
      const ask = async (query: string) => {
        const result = await querier.queryRange({ ...ASK, query });
        const names = result.series.map(({ labels }) => labels.n).sort();
        return { ...result, names };
      };
      const cut = await ask('shop_pods');
      assert.deepEqual(cut.names, ['17', '18', '19']);
      assert.equal(cut.kept, 'largest');
      assert.equal(cut.truncated?.shown, 3);
      assert.deepEqual(cut.warnings, []);

      const first = cut.series.find(({ labels }) => labels.n === '17');
      assert.equal(first?.values[0], 17, 'they are whole, from the start on');

      // Whatever the query is: a comment at its end, operators, other times.
      for (const query of [
        'shop_pods # all',
        'shop_pods or vector(-1)',
        'shop_pods offset 1m',
        'sum by (n) (shop_pods)',
        'max_over_time(shop_pods[2m])',
      ]) {
        const { names, kept } = await ask(query);
        assert.deepEqual([names, kept], [['17', '18', '19'], 'largest'], query);
      }

      const whole = await ask('shop_pods{n=~"1|2|3"}');
      assert.deepEqual(
        [whole.names, whole.kept, whole.truncated],
        [['1', '2', '3'], undefined, undefined],
      );
    },
  );
}

/** Twenty series, each of its number; labels come in another order. */
function samples(): string {
  const lines = Array.from({ length: 20 }, (_, n) =>
    Array.from(
      { length: 11 },
      (__, minute) => `shop_pods{n="${n}"} ${n} ${T0 + minute * 60}`,
    ).join('\n'),
  );
  return `# TYPE shop_pods gauge\n${lines.join('\n')}\n# EOF\n`;
}
