import assert from 'node:assert/strict';
import os from 'node:os';
import { describe, type TestContext, test } from 'node:test';
import {
  createMeterProvider,
  isMetricsError,
  type MetricsOptions,
  type Resource,
} from '@nativestage/metrics/sdk';
import {
  detectResources,
  hostDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { redactedArguments } from '../../ts/resource/redactedArguments';
import { exportOfProgram } from '../support/exportOfProgram';
import { type OtlpRequest, OtlpReceiver } from '../support/OtlpReceiver';
import { runNode } from '../support/Program';

type Attributes = Record<string, unknown>;

/** What the first export, which comes right after the start, says of the resource. */
async function exported(
  t: TestContext,
  resource: MetricsOptions['resource'],
): Promise<{ attributes: Attributes; schemaUrl?: string }> {
  const receiver = await OtlpReceiver.start(t);
  const provider = createMeterProvider({
    resource,
    exporters: {
      prometheus: false,
      otlp: { endpoint: receiver.url, protocol: 'http/json' },
    },
  });
  provider.getMeter('m').createCounter('c').add(1);
  await provider.shutdown();
  const [first] = receiver.received;
  const request = JSON.parse(first.body.toString()) as OtlpRequest;
  const [{ schemaUrl }] = request.resourceMetrics as { schemaUrl?: string }[];
  return { attributes: receiver.resource, schemaUrl };
}

/** The resource that the program of a variable exports. */
async function ofProgram(
  ...program: Parameters<typeof exportOfProgram>
): Promise<Attributes> {
  return (await exportOfProgram(...program)).resource;
}

function keys(attributes: Attributes, ...namespaces: string[]): string[] {
  return Object.keys(attributes)
    .filter(key => namespaces.includes(key.split('.')[0]))
    .sort();
}

describe('resource detectors', () => {
  test('find nothing unless they are asked for', async t => {
    const { attributes, schemaUrl } = await exported(t, { region: 'x' });
    assert.deepEqual(Object.keys(attributes).sort(), [
      'region',
      'service.instance.id',
      'service.name',
      'telemetry.sdk.language',
      'telemetry.sdk.name',
      'telemetry.sdk.version',
    ]);
    assert.equal(schemaUrl, undefined);
  });

  test('are in the first export, which waits for what is asynchronous', async t => {
    const { attributes, schemaUrl } = await exported(t, {
      'detection/development': {
        detectors: [{ host: null }, { process: {} }, { container: null }],
      },
    });
    assert.equal(attributes['host.name'], os.hostname());
    assert.equal(attributes['os.version'], os.release());
    assert.equal(attributes['process.pid'], String(process.pid));
    assert.equal(attributes['process.runtime.name'], 'nodejs');
    assert.ok(!('process.command_args' in attributes));
    assert.match(schemaUrl ?? '', /^https:\/\/opentelemetry\.io\/schemas\/1\./);
  });

  test('keep what the filter keeps, and arguments only where they are named', async t => {
    const { attributes } = await exported(t, {
      'detection/development': {
        detectors: [{ host: null }, { process: null }],
        attributes: {
          included: ['process.command_args', 'process.pid', 'host.*'],
          excluded: ['host.id', 'host.arch'],
        },
      },
    });
    assert.deepEqual(keys(attributes, 'process', 'host', 'os'), [
      'host.name',
      'process.command_args',
      'process.pid',
    ]);
  });

  test('are on the page of Prometheus too', async () => {
    const provider = createMeterProvider({
      resource: { 'detection/development': { detectors: [{ os: null }] } },
      exporters: { prometheus: { port: 0 } },
    });
    const response = await fetch(
      `http://${provider.prometheusAddress}/metrics`,
    );
    const page = await response.text();
    await provider.shutdown();
    assert.match(page, /^target_info\{.*os_type="/m);
  });

  test('are chosen by the variable that the SDK of JavaScript has', async t => {
    const attributes = await ofProgram(t, {
      OTEL_NODE_RESOURCE_DETECTORS: 'os,process,env',
    });
    assert.deepEqual(keys(attributes, 'os', 'host'), ['os.type', 'os.version']);
    assert.ok('process.pid' in attributes);
  });

  test('read what the downward API of Kubernetes put into variables', async t => {
    const attributes = await ofProgram(t, {
      OTEL_NODE_RESOURCE_DETECTORS: 'k8s',
      KUBERNETES_SERVICE_HOST: '10.0.0.1',
      K8S_POD_NAME: 'backstage-0',
      POD_NAME: 'not this',
      POD_UID: 'u-1',
      NODE_NAME: ' ',
      K8S_NAMESPACE_NAME: 'portal',
      OTEL_RESOURCE_ATTRIBUTES: 'k8s.namespace.name=explicit',
    });
    assert.deepEqual(
      Object.fromEntries(
        keys(attributes, 'k8s').map(key => [key, attributes[key]]),
      ),
      {
        'k8s.namespace.name': 'explicit',
        'k8s.pod.name': 'backstage-0',
        'k8s.pod.uid': 'u-1',
      },
    );
  });

  test('take names that anybody might use for theirs within a cluster alone', async t => {
    const attributes = await ofProgram(t, {
      OTEL_NODE_RESOURCE_DETECTORS: 'k8s',
      NODE_NAME: 'jenkins-agent',
    });
    assert.deepEqual(keys(attributes, 'k8s'), []);
  });

  test('do not run for a disabled SDK', async t => {
    const ending = await runNode(t, 'lifecycle/environment.cjs', {
      env: { OTEL_SDK_DISABLED: 'true', OTEL_NODE_RESOURCE_DETECTORS: 'all' },
    });
    assert.equal(ending.code, 0, ending.stderr);
  });
});

describe('a resource that a program passes', () => {
  test('is merged over what the provider says of itself, with its schema', async t => {
    const resource = resourceFromAttributes(
      { 'service.name': 'shop', n: 1, x: 1.5, list: ['a'], flags: [true] },
      { schemaUrl: 'https://opentelemetry.io/schemas/1.30.0' },
    ).merge(resourceFromAttributes({ n: 2, empty: [] }));
    const { attributes, schemaUrl } = await exported(t, resource);
    assert.equal(attributes['service.name'], 'shop');
    assert.equal(attributes.n, '2');
    assert.equal(attributes.x, 1.5);
    assert.ok('service.instance.id' in attributes);
    assert.ok('list' in attributes && 'flags' in attributes);
    assert.equal(schemaUrl, 'https://opentelemetry.io/schemas/1.30.0');
  });

  test('is waited for where it detects', async t => {
    const late = {
      detect: () => ({
        attributes: {
          late: new Promise<string>(resolve =>
            setTimeout(() => resolve('known'), 200),
          ),
          failed: Promise.reject(new Error('nobody knows')),
        },
      }),
    };
    const resource = detectResources({ detectors: [hostDetector, late] });
    const { attributes } = await exported(t, resource);
    assert.equal(attributes['host.name'], os.hostname());
    assert.equal(attributes.late, 'known');
    assert.ok(!('failed' in attributes));
  });

  test('holds up a collection no longer than that has time, and may come later', async t => {
    let answer = (_: string) => {};
    const resource = resourceFromAttributes({
      known: 'a',
      late: new Promise<string>(resolve => {
        answer = resolve;
      }),
    });
    const provider = createMeterProvider({
      resource,
      exporters: { prometheus: { port: 0, collectTimeout: 300 } },
    });
    t.after(() => provider.shutdown());
    const page = async () => {
      const url = `http://${provider.prometheusAddress}/metrics`;
      return (await fetch(url)).text();
    };
    const first = await page();
    assert.match(first, /^target_info\{.*known="a"/m);
    assert.doesNotMatch(first, /late=/);
    answer('b');
    assert.match(await page(), /^target_info\{.*late="b"/m);
  });

  test('is any object with the methods of one', async t => {
    const own: Resource = {
      attributes: { region: 'x', wrong: { a: 1 } as unknown as string },
      merge: () => own,
    };
    const { attributes } = await exported(t, own);
    assert.equal(attributes.region, 'x');
    assert.ok(!('wrong' in attributes));
  });

  test('that cannot be read is an error that says so', () => {
    const hostile = {
      get attributes(): never {
        throw new Error('no');
      },
      merge: () => hostile,
    };
    assert.throws(
      () => createMeterProvider({ resource: hostile }),
      (error: unknown) =>
        isMetricsError(error) &&
        error.code === 'ERR_METRICS_INVALID_CONFIG' &&
        /^options: /.test(error.message),
    );
  });
});

test('arguments that look like secrets are redacted', () => {
  for (const [given, expected] of [
    [
      ['node', 'app.js', '--port', '80'],
      ['node', 'app.js', '--port', '80'],
    ],
    [['--token=abc'], ['--token=[REDACTED]']],
    [
      ['--password', 'abc', 'rest'],
      ['--password', '[REDACTED]', 'rest'],
    ],
    [
      ['--api-key', '--verbose', 'x'],
      ['--api-key', '--verbose', 'x'],
    ],
    [['DB_PASSWORD=a=b'], ['DB_PASSWORD=[REDACTED]']],
    [
      ['--db=postgres://me:pw@db:5432/x'],
      ['--db=postgres://[REDACTED]@db:5432/x'],
    ],
    [
      ['https://h/p?a=1&access_token=abc&b=2'],
      ['https://h/p?a=1&access_token=[REDACTED]&b=2'],
    ],
    [
      ['-H', 'Authorization: Bearer abc.def'],
      ['-H', 'Authorization: Bearer [REDACTED]'],
    ],
  ]) {
    assert.deepEqual(redactedArguments(given), expected);
  }
});
