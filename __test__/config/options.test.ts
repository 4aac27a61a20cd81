import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigReader } from '@backstage/config';
import type { JsonObject } from '@backstage/types';
import { DefaultRootMetricsService } from '@nativestage/metrics';
import { createMeterProvider, isMetricsError } from '@nativestage/metrics/sdk';

/** Options that are wrong: where, what was found, and what is allowed. */
const wrong: [
  options: JsonObject,
  path: string,
  found: RegExp,
  allowed: RegExp,
][] = [
  [{ serviceNam: 'x' }, 'serviceNam', /`serviceNam`/, /`serviceName`/],
  [{ serviceName: 5 }, 'serviceName', /5/, /a string/],
  [{ resource: 'x' }, 'resource', /"x"/, /a map/],
  [{ resource: { a: { b: 1 } } }, 'resource.a', /\{"b":1\}/, /a string/],
  [{ naming: { mode: 'x' } }, 'naming.mode', /`x`/, /`enforce` or `passth/],
  [{ naming: 'x' }, 'naming', /"x"/, /a map of settings/],
  [
    { naming: { legacyNames: 'no' } },
    'naming.legacyNames',
    /"no"/,
    /true or false/,
  ],
  [{ exporters: { prom: {} } }, 'exporters.prom', /`prom`/, /`prometheus`/],
  [
    { exporters: { prometheus: 'on' } },
    'exporters.prometheus',
    /"on"/,
    /true, false or a map/,
  ],
  [
    { exporters: { prometheus: { port: 70000 } } },
    'exporters.prometheus.port',
    /70000/,
    /0 to 65535/,
  ],
  [
    { exporters: { prometheus: { port: 80.5 } } },
    'exporters.prometheus.port',
    /80\.5/,
    /0 to 65535/,
  ],
  [
    { exporters: { prometheus: { host: 'example.com' } } },
    'exporters.prometheus.host',
    /"example\.com"/,
    /127\.0\.0\.1/,
  ],
  [
    { exporters: { prometheus: { path: 'metrics' } } },
    'exporters.prometheus.path',
    /"metrics"/,
    /starts with \//,
  ],
  [
    { exporters: { prometheus: { token: '' } } },
    'exporters.prometheus.token',
    /empty/,
    /a token/,
  ],
  [
    { exporters: { prometheus: { translationStrategy: 'x' } } },
    'exporters.prometheus.translationStrategy',
    /`x`/,
    /`NoTranslation`/,
  ],
  [
    { exporters: { prometheus: { onBackend: 'maybe' } } },
    'exporters.prometheus.onBackend',
    /"maybe"/,
    /true or false/,
  ],
  [
    { exporters: { otlp: { endpoint: 'collector:4318' } } },
    'exporters.otlp.endpoint',
    /"collector:4318"/,
    /http:\/\//,
  ],
  [
    { exporters: { otlp: { endpoint: 'ftp://collector' } } },
    'exporters.otlp.endpoint',
    /"ftp:\/\/collector"/,
    /http:\/\//,
  ],
  [
    { exporters: { otlp: { protocol: 'http' } } },
    'exporters.otlp.protocol',
    /`http`/,
    /`http\/protobuf`/,
  ],
  [
    { exporters: { otlp: { headers: { 'bad name': 'x' } } } },
    'exporters.otlp.headers',
    /"bad name"/,
    /header name/,
  ],
  [
    { exporters: { otlp: { interval: 0 } } },
    'exporters.otlp.interval',
    /0/,
    /from 1 ms to 24 days/,
  ],
  [
    { exporters: { otlp: { interval: { second: 1 } } } },
    'exporters.otlp.interval.second',
    /`second`/,
    /`seconds`/,
  ],
  [
    { exporters: { otlp: { interval: { seconds: 'x' } } } },
    'exporters.otlp.interval.seconds',
    /"x"/,
    /a number/,
  ],
  [
    { exporters: { otlp: { compression: 'zstd' } } },
    'exporters.otlp.compression',
    /`zstd`/,
    /`gzip`/,
  ],
  [
    { exporters: { otlp: { temporality: 'x' } } },
    'exporters.otlp.temporality',
    /`x`/,
    /`delta`/,
  ],
  [
    { exporters: { otlp: { tls: { caFile: '/nowhere/ca.pem' } } } },
    'exporters.otlp.tls.caFile',
    /"\/nowhere\/ca\.pem"/,
    /can be read/,
  ],
  [
    { exporters: { otlp: { tls: { certFile: __filename } } } },
    'exporters.otlp.tls',
    /one of certFile and keyFile/,
    /both or neither/,
  ],
  [{ views: {} }, 'views', /map/, /a sequence/],
  [
    { views: [{ selector: { instrument_nam: 'x' } }] },
    'views[0].selector.instrument_nam',
    /`instrument_nam`/,
    /`instrument_name`/,
  ],
  [
    { views: [{ stream: {} }] },
    'views[0].selector',
    /nothing/,
    /at least one of instrument_name/,
  ],
  [
    {
      views: [
        { selector: { instrument_name: 'x' } },
        {
          selector: { instrument_name: 'x' },
          stream: {
            aggregation: { explicit_bucket_histogram: { boundaries: [3, 1] } },
          },
        },
      ],
    },
    'views[1].stream.aggregation.explicit_bucket_histogram.boundaries',
    /3/,
    /ascending|increasing|sorted/,
  ],
  [
    {
      views: [
        {
          selector: { instrument_name: 'x' },
          stream: { aggregation: 'drop' },
        },
      ],
    },
    'views[0].stream.aggregation',
    /a string/,
    /drop: \{\}/,
  ],
  [{ cardinalityLimit: 0 }, 'cardinalityLimit', /0/, /1 to 1000000/],
  [{ cardinalityLimit: 'many' }, 'cardinalityLimit', /"many"/, /1 to 1000000/],
  [
    { attributeValueLengthLimit: 0 },
    'attributeValueLengthLimit',
    /0/,
    /1 to 1000000/,
  ],
  [
    { attributeValueLengthLimit: 'long' },
    'attributeValueLengthLimit',
    /"long"/,
    /1 to 1000000/,
  ],
  [{ histogram: 'linear' }, 'histogram', /`linear`/, /`exponential`/],
  [
    { plugin: { catalog: { disable: true } } },
    'plugin.catalog.disable',
    /`disable`/,
    /`disabled`/,
  ],
  [
    { exporters: { prometheus: { scopeInfoEnabled: 'no' } } },
    'exporters.prometheus.scopeInfoEnabled',
    /"no"/,
    /true or false/,
  ],
  [
    { exporters: { prometheus: { resourceConstantLabels: { only: [] } } } },
    'exporters.prometheus.resourceConstantLabels.only',
    /`only`/,
    /`included`/,
  ],
  [
    { viewMatchingMode: 'merged' },
    'viewMatchingMode',
    /`merged`/,
    /`composable`/,
  ],
  [
    { meterConfigurator: { meters: [{ name: 'a', config: { on: 1 } }] } },
    'meterConfigurator.meters[0].config.on',
    /`on`/,
    /`enabled`/,
  ],
  [
    { plugin: { catalog: { meter: { attributes: { a: {} } } } } },
    'plugin.catalog.meter.attributes.a',
    /\{\}/,
    /a string, a number, a boolean/,
  ],
  [{ plugin: { catalog: 5 } }, 'plugin.catalog', /5/, /a map of settings/],
  [{ core: { htpp: true } }, 'core.htpp', /`htpp`/, /`http`/],
  [{ core: { http: 1 } }, 'core.http', /1/, /true or false/],
];

describe('a wrong setting', () => {
  for (const [options, path, found, allowed] of wrong) {
    test(`${JSON.stringify(options)} is told by path, finding and what is allowed`, () => {
      // Outside Backstage, and from app-config.
      for (const [root, configure] of [
        ['options', () => createMeterProvider(options)],
        ['backend.metrics', () => fromConfig(options)],
      ] as const) {
        assert.throws(configure, (error: unknown) => {
          assert.ok(isMetricsError(error), String(error));
          assert.equal(error.code, 'ERR_METRICS_INVALID_CONFIG');
          assert.ok(
            error.message.startsWith(`${root}.${path}`),
            `${error.message} starts with ${root}.${path}`,
          );
          assert.match(error.message, found);
          assert.match(error.message, allowed);
          assert.doesNotMatch(
            error.message,
            /struct|f64|variant, expected newtype|line \d+ column/,
          );
          return true;
        });
      }
    });
  }

  test('of the whole section is told as well', () => {
    for (const section of ['x', ['x'], 5]) {
      assert.throws(
        () => fromConfig(section as never),
        /^MetricsError: backend\.metrics: found .*, expected a map of settings/,
      );
    }
  });

  test('of what is no configuration is told', () => {
    for (const [given, found] of [
      [null, 'null'],
      [undefined, 'a value of type undefined'],
      ['app-config.yaml', 'a value of type string'],
      [{ backend: {} }, 'a value of type object'],
    ] as const) {
      assert.throws(
        () => DefaultRootMetricsService.fromConfig(given as never),
        {
          code: 'ERR_METRICS_INVALID_CONFIG',
          message: `the configuration: found ${found}, expected Backstage's Config, such as that of coreServices.rootConfig`,
        },
      );
    }
  });

  test('of a service name that cannot begin a metric name is told', () => {
    assert.throws(
      () => fromConfig({ serviceName: 'My Portal' }),
      /^MetricsError: backend\.metrics\.serviceName: found "My Portal"/,
    );
  });
});

describe('a secret', () => {
  const secrets: JsonObject[] = [
    { exporters: { prometheus: { token: { value: '531237' } } } },
    { exporters: { prometheus: { token: ['531237'] } } },
    { exporters: { otlp: { headers: { authorization: ['531237'] } } } },
    { exporters: { otlp: { headers: { authorization: '531237\n' } } } },
    { exporters: { otlp: { headers: 'authorization=531237' } } },
    { exporters: { otlp: { headers: ['531237'] } } },
    { exporters: { otlp: { endpoint: 'http://me:531237@' } } },
    { exporters: { otlp: { endpoint: 'me:531237@collector:4318' } } },
    { exporters: { otlp: { endpoint: 'ftp://me:531237@collector' } } },
  ];
  for (const options of secrets) {
    test(`is in no message about ${JSON.stringify(options)}`, () => {
      for (const configure of [
        () => createMeterProvider(options),
        () => fromConfig(options),
      ]) {
        assert.throws(configure, (error: unknown) => {
          assert.ok(isMetricsError(error), String(error));
          assert.equal(error.code, 'ERR_METRICS_INVALID_CONFIG');
          assert.doesNotMatch(error.message, /531237/);
          return true;
        });
      }
    });
  }
});

// From here on the process is configured: only names are read, and nothing else is checked.
test('a wrong setting leaves nothing configured, so that the right one can follow', () => {
  const notPem = { caFile: __filename };
  for (const otlp of ['x', { endpoint: 'https://127.0.0.1:1', tls: notPem }]) {
    assert.throws(() => fromConfig({ exporters: { otlp } }), {
      code: 'ERR_METRICS_INVALID_CONFIG',
    });
  }
  const root = fromConfig({ exporters: { prometheus: false } });
  root.forPlugin('catalog').createCounter('a.b').add(1);
});

describe('a duration', () => {
  for (const interval of ['60s', 'PT1M', { minutes: 1 }, 60_000]) {
    test(`may be written as ${JSON.stringify(interval)}`, () => {
      // One after the other in one process: only names are set after the first.
      fromConfig({ exporters: { prometheus: false, console: { interval } } });
    });
  }

  test('that is none is told by path', () => {
    assert.throws(
      () => fromConfig({ exporters: { otlp: { interval: 'soon' } } }),
      /^MetricsError: backend\.metrics\.exporters\.otlp\.interval: found "soon", expected a duration/,
    );
    const otlp = [{ interval: '60s' }, { interval: 'soon' }];
    assert.throws(
      () => fromConfig({ exporters: { otlp } }),
      /^MetricsError: backend\.metrics\.exporters\.otlp\[1\]\.interval: found "soon", expected a duration/,
    );
  });
});

function fromConfig(metrics: JsonObject) {
  return DefaultRootMetricsService.fromConfig(
    new ConfigReader({ backend: { metrics } }),
  );
}
