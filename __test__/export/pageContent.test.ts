import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  createMeterProvider,
  type PrometheusExporterOptions,
} from '@nativestage/metrics/sdk';

/** The lines of a page for these counters of two scopes that differ in an attribute. */
async function samples(
  t: TestContext,
  prometheus: PrometheusExporterOptions,
): Promise<string[]> {
  const provider = createMeterProvider({
    serviceName: 'shop',
    resource: { 'host.name': 'h' },
    exporters: { prometheus: { port: 0, ...prometheus } },
  });
  t.after(() => provider.shutdown());
  for (const team of ['blue', 'red']) {
    const meter = provider.getMeter('m', '1', { attributes: { team } });
    const counter = meter.createCounter('orders');
    counter.add(1);
    counter.add(1, { 'otel.scope.team': 'mine' });
  }
  const page = await fetch(`http://${provider.prometheusAddress}/metrics`);
  const lines = (await page.text()).split('\n');
  return lines.filter(line => /^(orders|target_info)/.test(line)).sort();
}

test('attributes of a scope are labels, and join attributes of that name', async t => {
  const [target, ...orders] = (await samples(t, {})).reverse();
  assert.match(target, /^target_info\{.*service_name="shop"/);
  assert.deepEqual(orders.reverse(), [
    'orders_total{otel_scope_name="m",otel_scope_team="blue",otel_scope_version="1"} 1',
    'orders_total{otel_scope_name="m",otel_scope_team="mine;blue",otel_scope_version="1"} 1',
    'orders_total{otel_scope_name="m",otel_scope_team="mine;red",otel_scope_version="1"} 1',
    'orders_total{otel_scope_name="m",otel_scope_team="red",otel_scope_version="1"} 1',
  ]);
});

test('without labels of scopes and target_info, series of two scopes are one', async t => {
  const options = {
    scopeInfoEnabled: false,
    targetInfoEnabled: false,
    resourceConstantLabels: { included: ['host.*'] },
  };
  assert.deepEqual(await samples(t, options), [
    'orders_total{host_name="h"} 2',
    'orders_total{otel_scope_team="mine",host_name="h"} 2',
  ]);
});
