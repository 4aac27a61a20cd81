import assert from 'node:assert/strict';
import { test } from 'node:test';
import { provide } from './support';

test('twenty thousand meters take about four times what five thousand take, to make and to show', async t => {
  const takes = async (meters: number): Promise<number> => {
    const { provider, url } = provide(t);
    const begun = performance.now();
    for (let meter = 0; meter < meters; meter++) {
      provider.getMeter(`meter-${meter}`).createCounter('hits').add(1);
    }
    const page = await (await fetch(url)).text();
    const took = performance.now() - begun;
    assert.equal(page.match(/^hits_total\{/gm)?.length, meters);
    await provider.shutdown();
    return took;
  };
  await takes(1000);
  const few = await takes(5000);
  const many = await takes(20_000);
  t.diagnostic(`${Math.round(few)} ms and ${Math.round(many)} ms`);
  // Quadratic would be sixteen times.
  assert.ok(many < few * 9, `${few} ms and ${many} ms`);
});
