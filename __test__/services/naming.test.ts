import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { isMetricsError, type MetricsErrorCode } from '@nativestage/metrics';
import { setLogger } from '@nativestage/metrics/sdk';
import {
  createTestMetrics,
  type TestMetricsOptions,
} from '@nativestage/metrics/testing';
import type { MetricName } from '@nativestage/metrics';

function metricsOf(t: TestContext, options?: TestMetricsOptions) {
  const metrics = createTestMetrics(options);
  t.after(() => metrics.shutdown());
  return metrics;
}

/** The names and scopes of everything that is exported. */
async function exported(metrics: ReturnType<typeof createTestMetrics>) {
  const collection = await metrics.collect();
  return collection.metrics
    .filter(({ scope }) => scope.name !== '@nativestage/metrics')
    .map(({ name, scope }) => `${scope.name}: ${name}`)
    .sort();
}

function coded(code: MetricsErrorCode, ...parts: RegExp[]) {
  return (error: unknown) => {
    assert.ok(isMetricsError(error), String(error));
    assert.equal(error.code, code);
    for (const part of parts) {
      assert.match(error.message, part);
    }
    return true;
  };
}

describe('a metric is named by where it comes from', () => {
  test('plugin, core service and app', async t => {
    const metrics = metricsOf(t);
    const { root } = metrics;
    root.forPlugin('catalog').createCounter('entities.count').add(1);
    root.forService('scaffolder', 'plugin').createCounter('tasks.count').add(1);
    root.forService('database', 'core').createGauge('pool.size').record(1);
    root.createHistogram('startup.duration').record(1);
    assert.deepEqual(await exported(metrics), [
      'backstage-core-database: backstage.core.database.pool.size',
      'backstage-plugin-catalog: backstage.plugin.catalog.entities.count',
      'backstage-plugin-scaffolder: backstage.plugin.scaffolder.tasks.count',
      'backstage: backstage.startup.duration',
    ]);
  });

  test('every kind of instrument', async t => {
    const metrics = metricsOf(t);
    const service = metrics.root.forPlugin('p');
    service.createCounter('k.counter').add(1);
    service.createUpDownCounter('k.updown').add(1);
    service.createHistogram('k.histogram').record(1);
    service.createGauge('k.gauge').record(1);
    service
      .createObservableCounter('k.ocounter')
      .addCallback(result => result.observe(1));
    service
      .createObservableUpDownCounter('k.oupdown')
      .addCallback(result => result.observe(1));
    const gauge = service.createObservableGauge('k.ogauge');
    service.addBatchObservableCallback(
      result => result.observe(gauge, 1),
      [gauge],
    );
    const kinds = [
      'counter',
      'gauge',
      'histogram',
      'ocounter',
      'ogauge',
      'oupdown',
      'updown',
    ];
    assert.deepEqual(
      await exported(metrics),
      kinds.map(kind => `backstage-plugin-p: backstage.plugin.p.k.${kind}`),
    );
  });

  test('under the service name of the app', async t => {
    const metrics = metricsOf(t, { serviceName: 'acme.portal' });
    metrics.root.forPlugin('catalog').createCounter('entities.count').add(1);
    metrics.root.createCounter('a.b').add(1);
    assert.deepEqual(await exported(metrics), [
      'acme.portal: acme.portal.a.b',
      'backstage-plugin-catalog: acme.portal.plugin.catalog.entities.count',
    ]);
  });

  test('a plugin that repeats its id does not stutter', async t => {
    const metrics = metricsOf(t);
    metrics.root
      .forPlugin('catalog')
      .createCounter('catalog.processed.entities.count')
      .add(1);
    assert.deepEqual(await exported(metrics), [
      'backstage-plugin-catalog: backstage.plugin.catalog.processed.entities.count',
    ]);
  });

  test("a meter is the author's own business", async t => {
    const metrics = metricsOf(t);
    metrics.root
      .forPlugin('catalog')
      .getMeter()
      .createCounter('anything')
      .add(1);
    assert.deepEqual(await exported(metrics), [
      'backstage-plugin-catalog: anything',
    ]);
  });

  test('one name asked for twice is one instrument', async t => {
    const metrics = metricsOf(t);
    const service = metrics.root.forPlugin('p');
    service.createCounter('a.b').add(1);
    service.createCounter('a.b').add(2);
    metrics.root.forPlugin('p').createCounter('a.b').add(4);
    const collection = await metrics.collect();
    assert.equal(collection.value('backstage.plugin.p.a.b'), 7);
  });
});

describe('a name that breaks a rule', () => {
  for (const [name, ...parts] of [
    ['count', /"count"/, /no category/, /"general\.count"/],
    ['', /empty/],
    ['a..b', /empty segment/],
    ['a.', /empty segment/],
    ['a.b c', /"b c"/],
    ['a.\u{1F355}', /segment/],
    ['backstage.a.b', /added for you/, /pass "a\.b"/],
    ['backstage.plugin.catalog.a.b', /pass "a\.b"/],
    [`a.${'b'.repeat(255)}`, /at most 255/],
  ] as [string, ...RegExp[]][]) {
    test(`${JSON.stringify(name.slice(0, 30))} is an error that says which, and what to pass`, t => {
      const service = metricsOf(t).root.forPlugin('catalog');
      for (const create of [
        () => service.createCounter(name as MetricName),
        () => service.createUpDownCounter(name as MetricName),
        () => service.createHistogram(name as MetricName),
        () => service.createGauge(name as MetricName),
        () => service.createObservableCounter(name as MetricName),
        () => service.createObservableUpDownCounter(name as MetricName),
        () => service.createObservableGauge(name as MetricName),
      ]) {
        assert.throws(create, coded('ERR_METRICS_INVALID_NAME', ...parts));
      }
    });
  }

  test('of the app may not claim the scopes of others', t => {
    const { root } = metricsOf(t);
    assert.throws(
      () => root.createCounter('plugin.catalog.count'),
      coded('ERR_METRICS_INVALID_NAME', /forPlugin/),
    );
    assert.throws(
      () => root.createCounter('core.database.count'),
      coded('ERR_METRICS_INVALID_NAME', /forService/),
    );
  });

  test("may be a plugin's or a core service's", t => {
    const { root } = metricsOf(t);
    for (const id of ['', 'a.b', 'a b', 'ä', 'a/b']) {
      assert.throws(
        () => root.forPlugin(id),
        coded('ERR_METRICS_INVALID_NAME', /plugin id/),
      );
      assert.throws(
        () => root.forService(id, 'core'),
        coded('ERR_METRICS_INVALID_NAME', /core service/),
      );
    }
    assert.throws(
      () => root.forService('x', 'other' as never),
      coded('ERR_METRICS_INVALID_NAME', /"plugin" or "core"/),
    );
  });

  test('does no harm through a plain meter', async t => {
    const metrics = metricsOf(t);
    const meter = metrics.root.forPlugin('p').getMeter();
    meter.createCounter('not a name').add(1);
    meter.createHistogram('').record(1);
    meter.createObservableGauge('1st').addCallback(r => r.observe(1));
    assert.deepEqual(await exported(metrics), []);
  });
});

describe('configuration of names', () => {
  test('passthrough exports them as their authors wrote them', async t => {
    const metrics = metricsOf(t, { naming: { mode: 'passthrough' } });
    const service = metrics.root.forPlugin('catalog');
    service.createCounter('catalog_entities_count' as MetricName).add(1);
    service.createCounter('a.b').add(1);
    assert.deepEqual(await exported(metrics), [
      'backstage-plugin-catalog: a.b',
      'backstage-plugin-catalog: catalog_entities_count',
    ]);
    assert.throws(
      () => service.createCounter('1st' as MetricName),
      coded('ERR_METRICS_INVALID_NAME', /a letter/),
    );
  });

  for (const disabled of [true, 'true' as unknown as boolean]) {
    test(`a plugin that is disabled (${typeof disabled}) exports nothing and still works`, async t => {
      const metrics = metricsOf(t, { plugin: { noisy: { disabled } } });
      const service = metrics.root.forPlugin('noisy');
      const counter = service.createCounter('a.b');
      counter.add(1);
      counter.bind({ x: 'y' }).add(1);
      counter.remove({ x: 'y' });
      counter.clear();
      service.createHistogram('c.d').bind().record(1);
      service.getMeter().createCounter('e').add(1);
      metrics.root.forPlugin('quiet').createCounter('a.b').add(1);
      assert.deepEqual(await exported(metrics), [
        'backstage-plugin-quiet: backstage.plugin.quiet.a.b',
      ]);
    });
  }

  test('a plugin whose "disabled" is the string "false" is not', async t => {
    const metrics = metricsOf(t, {
      plugin: { p: { disabled: 'false' as unknown as boolean } },
    });
    metrics.root.forPlugin('p').createCounter('a.b').add(1);
    assert.equal((await exported(metrics)).length, 1);
  });

  test("a plugin's meter can be called otherwise, also through forService", async t => {
    const meter = {
      name: 'acme-catalog',
      version: '9.9',
      schemaUrl: 'https://example.com/s',
    };
    const metrics = metricsOf(t, { plugin: { catalog: { meter } } });
    metrics.root.forPlugin('catalog').createCounter('a.b').add(1);
    metrics.root.forService('catalog', 'plugin').createCounter('c.d').add(1);
    metrics.root.forPlugin('catalog').getMeter().createCounter('plain').add(1);
    const { metrics: found } = await metrics.collect();
    assert.deepEqual(
      found.map(({ name, scope }) => [name, scope]),
      [
        'backstage.plugin.catalog.a.b',
        'backstage.plugin.catalog.c.d',
        'plain',
      ].map(name => [name, meter]),
    );
  });

  test('two registrations that disagree are reported once, with both places', async t => {
    const lines: string[] = [];
    const note = (line: string) => lines.push(line);
    setLogger({ debug: note, info: note, warn: note, error: note });
    const metrics = metricsOf(t);
    const service = metrics.root.forPlugin('p');
    service.createCounter('a.b', { unit: 's' }).add(1);
    for (let i = 0; i < 3; i++) {
      service.createCounter('a.b', { unit: 'By' }).add(1);
    }
    await metrics.collect();
    const reports = lines.filter(line =>
      line.includes('backstage.plugin.p.a.b'),
    );
    assert.equal(reports.length, 1, lines.join('\n'));
    assert.equal(
      reports[0].split('naming.test.ts').length,
      3,
      `two places in: ${reports[0]}`,
    );
  });
});
