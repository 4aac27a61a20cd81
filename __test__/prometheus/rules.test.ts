// What servers say about their rules beside the rules.
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { AlertsResult } from '@nativestage/backstage-plugin-prometheus-common';
import { prometheusRouter } from '../support/prometheusRouter';
import { json, UpstreamServer } from '../support/UpstreamServer';

const HOUR = 3600;

/** What stands for a server whose rules were evaluated so many seconds before it answers. */
async function alertsOf(
  t: TestContext,
  age: number,
  { more = {}, skew = 0 }: { more?: object; skew?: number } = {},
) {
  const logged: string[] = [];
  const server = await UpstreamServer.start(t, (_, response) => {
    const now = Date.now() + skew * 1000;
    response.setHeader('date', new Date(now).toUTCString());
    const rule = {
      name: 'Quiet',
      type: 'alerting',
      health: 'ok',
      state: 'inactive',
      query: 'up == 0',
      lastEvaluation: new Date(now - age * 1000).toISOString(),
      alerts: [],
    };
    const groups = [{ name: 'a', file: 'a.yml', interval: 15, rules: [rule] }];
    json(response, { status: 'success', data: { groups }, ...more });
  });
  const shop = await prometheusRouter(t, {
    prometheus: { instances: [{ name: 'default', url: server.url }] },
    annotations: { 'prometheus.io/alert': 'all' },
    logger: { warn: message => logged.push(message) },
  });
  const response = await fetch(`${shop}/alerts`);
  const result = (await response.json()) as AlertsResult;
  return { ...result, logged };
}

for (const skew of [0, -HOUR, HOUR]) {
  it(`knows by the server's clock, ${skew} s beside ours, whether rules are evaluated`, async t => {
    const [fresh] = (await alertsOf(t, 20, { skew })).alerts;
    assert.deepEqual([fresh.state, fresh.isStalled], ['inactive', undefined]);
    const [old] = (await alertsOf(t, HOUR, { skew })).alerts;
    assert.deepEqual([old.state, old.isStalled], ['unknown', true]);
  });
}

it('passes on that rules may be missing, and the address of who did not answer to the log alone', async t => {
  const warnings = ['fetching rules from 10.0.0.7:10901: connection refused'];
  const found = await alertsOf(t, 20, { more: { warnings } });
  assert.deepEqual(found.warnings, [
    'The Prometheus instance "default" gave a warning about its rules, and some may be missing; the backend’s log has it',
  ]);
  assert.equal(found.logged.length, 1);
  assert.match(found.logged[0], /warned of its rules: .*fetching rules/);
  assert.equal(found.alerts.length, 1);
});
