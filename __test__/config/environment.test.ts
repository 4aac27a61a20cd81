import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runNode } from '../support/Program';
import { freePort } from '../support/ports';

const WRONG: [name: string, value: string, allowed: RegExp][] = [
  ['OTEL_SDK_DISABLED', 'yes', /true, false/],
  ['OTEL_METRICS_EXPORTER', 'promtheus', /otlp, prometheus, console or none/],
  ['OTEL_EXPORTER_PROMETHEUS_HOST', 'example.com', /an IP address/],
  ['OTEL_RESOURCE_ATTRIBUTES', 'team=a,x=%+f', /key=value/],
];

describe('a wrong variable is named where no logger hears it, and stops nothing:', () => {
  for (const [name, value, allowed] of WRONG) {
    test(`${name}=${value}`, async t => {
      const port = await freePort();
      const ending = await runNode(t, 'config/unheard.cjs', {
        env: { OTEL_EXPORTER_PROMETHEUS_PORT: String(port), [name]: value },
      });
      assert.equal(ending.code, 0, ending.stderr);
      assert.match(ending.stdout, /^target_info/);
      assert.doesNotMatch(ending.stdout, /team=/);
      const [, warning] = /MetricsWarning: (.*)/.exec(ending.stderr) ?? [];
      assert.ok(warning?.startsWith(`${name}: found `), ending.stderr);
      assert.match(warning, allowed);
      assert.doesNotMatch(ending.stderr, /backend\.metrics|options/);
    });
  }

  test('OTEL_EXPORTER_PROMETHEUS_PORT=http', async t => {
    // The default port is another's on some machines; the program lives on then too.
    const ending = await runNode(t, 'config/unheard.cjs', {
      env: { OTEL_EXPORTER_PROMETHEUS_PORT: 'http' },
    });
    assert.equal(ending.code, 0, ending.stderr);
    assert.match(ending.stdout, /lives on/);
    assert.match(
      ending.stderr,
      /MetricsWarning: OTEL_EXPORTER_PROMETHEUS_PORT: found "http", expected a port/,
    );
  });
});

test('a wrong variable that an option goes before is not mentioned', async t => {
  const ending = await runNode(t, 'config/unheard.cjs', {
    args: ['{"exporters":{"prometheus":{"host":"127.0.0.1","port":0}}}'],
    env: {
      OTEL_EXPORTER_PROMETHEUS_HOST: 'example.com',
      OTEL_EXPORTER_PROMETHEUS_PORT: 'http',
    },
  });
  assert.match(ending.stdout, /^target_info/);
  assert.doesNotMatch(ending.stderr, /OTEL_/);
});

describe('a backend is called', () => {
  const cases: [name: string, env: Record<string, string>][] = [
    ['backstage', {}],
    ['backstage', { OTEL_SERVICE_NAME: ' ' }],
    ['backstage', { OTEL_RESOURCE_ATTRIBUTES: 'peer.service.name=x' }],
    ['backstage', { OTEL_RESOURCE_ATTRIBUTES: 'service.name=x,wrong' }],
    ['shop', { OTEL_RESOURCE_ATTRIBUTES: 'service%2Ename=shop' }],
    ['shop', { OTEL_SERVICE_NAME: 'shop' }],
  ];
  for (const [name, env] of cases) {
    test(`${name} with ${JSON.stringify(env)}`, async t => {
      const ending = await runNode(t, 'config/unheard.cjs', {
        args: ['{"exporters":{"prometheus":{"port":0}}}'],
        env,
      });
      assert.match(
        ending.stdout,
        new RegExp(`target_info\\{.*[{,]service_name="${name}"`),
      );
    });
  }
});
