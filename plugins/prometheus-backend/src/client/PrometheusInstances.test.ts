import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigReader } from '@backstage/config';
import type { JsonObject } from '@backstage/types';
import { DEFAULT_LIMITS, readLimits } from './Limits';
import { PrometheusInstances } from './PrometheusInstances';

const URL = 'http://localhost:9090';

function read(...instances: JsonObject[]) {
  return PrometheusInstances.fromConfig(
    new ConfigReader({ prometheus: { instances } }),
  );
}

/** What is wrong, and that the error says it with the path and without the secret. */
const WRONG: [instance: JsonObject, says: RegExp][] = [
  [{ url: URL }, /prometheus\.instances\[0\]\.name/],
  [{ name: 'a b', url: URL }, /instances\[0\]\.name is "a b"/],
  [{ name: '../x', url: URL }, /instances\[0\]\.name is/],
  [{ name: 'a' }, /instances\[0\]\.url is missing/],
  [{ name: 'a', url: 'secret' }, /instances\[0\]\.url is no address/],
  [{ name: 'a', url: 'file:///secret' }, /instances\[0\]\.url is no address/],
  [
    { name: 'a', url: 'http://u:secret@b' },
    /instances\[0\]\.url has credentials/,
  ],
  [{ name: 'a', url: `${URL}?token=secret` }, /instances\[0\]\.url has a "\?"/],
  [
    { name: 'a', url: URL, uiUrl: 'javascript:x' },
    /instances\[0\]\.uiUrl is no address/,
  ],
  [
    { name: 'a', url: URL, auth: { token: 'secret' } },
    /instances\[0\]\.auth\.type is missing/,
  ],
  [
    { name: 'a', url: URL, auth: { type: 'digest' } },
    /auth\.type is "digest" and none of basic/,
  ],
  [
    { name: 'a', url: URL, auth: { type: 'basic', username: 'b' } },
    /auth\.password/,
  ],
  [
    { name: 'a', url: URL, auth: { type: 'bearer', token: 'secret\nX: y' } },
    /auth\.token has characters/,
  ],
  [
    {
      name: 'a',
      url: URL,
      auth: { type: 'header', name: 'Host', value: 'secret' },
    },
    /auth\.name is "host", which cannot be set/,
  ],
  [
    {
      name: 'a',
      url: URL,
      auth: { type: 'header', name: 'a b', value: 'secret' },
    },
    /auth\.name is "a b"/,
  ],
  [
    { name: 'a', url: URL, tenant: 'secret\r\n' },
    /instances\[0\]\.tenant has characters/,
  ],
  [
    { name: 'a', url: URL, alertmanager: {} },
    /instances\[0\]\.alertmanager\.url is missing/,
  ],
  [
    { name: 'a', url: URL, alertmanager: { url: 'http://u:secret@b' } },
    /alertmanager\.url has credentials/,
  ],
  [
    { name: 'a', url: URL, alertmanager: { url: URL, tenant: 'secret\n' } },
    /alertmanager\.tenant has characters/,
  ],
  [
    { name: 'a', url: URL, tls: { caFile: '/nowhere/ca.pem' } },
    /tls\.caFile is a file that cannot be read \(ENOENT\)/,
  ],
  [
    { name: 'a', url: URL, parameters: { dedupe: true } },
    /parameters\.dedupe is none of dedup, /,
  ],
  [
    { name: 'a', url: URL, enforceLabels: { ns: '' } },
    /enforceLabels\.ns has to be a text/,
  ],
  [
    { name: 'a', url: URL, enforceLabels: { ns: 1 } },
    /enforceLabels\.ns has to be a text/,
  ],
];

describe('PrometheusInstances', () => {
  for (const [instance, says] of WRONG) {
    test(`refuses ${JSON.stringify(instance)}`, () => {
      assert.throws(
        () => read(instance),
        ({ message }: Error) =>
          says.test(message) && !message.includes('secret'),
      );
    });
  }

  test('names the instances there are when it is asked for another', () => {
    const instances = read(
      { name: 'prod', url: URL },
      { name: 'dev', url: URL },
    );
    assert.throws(() => instances.get('staging'), {
      name: 'UnknownInstanceError',
      message: 'There is no Prometheus instance "staging"; there are prod, dev',
    });
    assert.throws(() => instances.get('__proto__'), /there are prod, dev/);
    assert.throws(() => instances.get(''), /there are prod, dev/);
    assert.throws(() => read().get(), /No Prometheus instance is configured/);
  });

  test('takes the one called default, or the first, for entities that name none', () => {
    const [a, b] = [
      { name: 'a', url: URL },
      { name: 'default', url: URL },
    ];
    assert.equal(read(a, b).get().name, 'default');
    assert.equal(read(a).get().name, 'a');
  });

  test('refuses two of one name', () => {
    const one = { name: 'a', url: URL };
    assert.throws(
      () => read(one, one),
      /instances\[1\]\.name is "a", as another/,
    );
  });

  test('leaves to the proxy what only has a path there', () => {
    const instances = read(
      { name: 'old', proxyPath: '/old' },
      { name: 'a', url: URL },
    );
    assert.deepEqual(instances.names, ['a']);
  });

  test('takes addresses as the proxy’s targets were written', () => {
    for (const url of [URL, `${URL}/`, `${URL}/api/v1`, `${URL}/api/v1/`]) {
      assert.equal(
        read({ name: 'a', url }).get('a').queries.url.href,
        `${URL}/`,
      );
    }
    const { url } = read({
      name: 'a',
      url: `${URL}/select/0/prometheus/`,
    }).get('a').queries;
    assert.equal(url.pathname, '/select/0/prometheus');
  });

  test('leaves queries to the server unless labels are enforced', () => {
    const languages = [
      { name: 'a', url: URL },
      {
        name: 'a',
        url: URL,
        enforceLabels: { b: 'c' },
      },
    ].map(instance => read(instance).get().language);
    assert.deepEqual(languages, ['any', 'enforced']);
  });

  test('enforces labels with names of any kind', () => {
    const instance = read({
      name: 'a',
      url: URL,
      enforceLabels: {
        'k8s.ns': '${{ entity.metadata.namespace }}',
        env: 'prod',
      },
    }).get('a');
    const entity = {
      apiVersion: 'v1',
      kind: 'Component',
      metadata: { name: 'x' },
    };
    assert.equal(
      instance.enforce('up', entity),
      'up{"k8s.ns"="default",env="prod"}',
    );
  });
});

describe('readLimits', () => {
  const readLimit = (limits: JsonObject) =>
    readLimits(new ConfigReader({ prometheus: { limits } }));

  test('has defaults', () => {
    assert.deepEqual(readLimits(new ConfigReader({})), DEFAULT_LIMITS);
  });

  test('reads durations in every form of Backstage', () => {
    const { maxRange, timeout, maxSeries } = readLimit({
      maxRange: { days: 2 },
      timeout: '30s',
      maxSeries: 7,
    });
    assert.deepEqual([maxRange, timeout, maxSeries], [172_800, 30_000, 7]);
  });

  for (const [limits, says] of [
    [{ maxPoints: 20_000 }, /limits\.maxPoints is 20000; .* from 3 to 11000/],
    [{ maxSeries: 0 }, /limits\.maxSeries is 0/],
    [{ maxBytes: 1.5 }, /limits\.maxBytes is 1.5/],
    [{ timeout: 'soon' }, /limits/],
    [
      { timeout: { days: 30 } },
      /limits\.timeout is 2592000000; .* from 1 to 2147483647/,
    ],
    [{ maxSerie: 1 }, /limits\.maxSerie is none of maxRange/],
  ] as [JsonObject, RegExp][]) {
    test(`refuses ${JSON.stringify(limits)}`, () => {
      assert.throws(() => readLimit(limits), says);
    });
  }
});
