import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { isMetricsError } from '@nativestage/metrics/sdk';
import { readConfigFile } from '../../ts/declarative/readConfigFile';
import { dataOf, OtlpReceiver } from '../support/OtlpReceiver';
import { freePort } from '../support/ports';
import { runNode } from '../support/Program';

function written(t: TestContext, text: string, name = 'otel.yaml'): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'declarative-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

function read(
  t: TestContext,
  text: string,
  variables: Record<string, string> = {},
): unknown {
  return JSON.parse(readConfigFile(named(written(t, text)), variables).content);
}

/** The message of the error that reading gives, with the file's name for its path. */
function refusal(t: TestContext, text: string, name?: string): string {
  const file = written(t, text, name);
  try {
    readConfigFile(named(file), {});
  } catch (error) {
    assert.ok(isMetricsError(error), String(error));
    assert.equal(error.code, 'ERR_METRICS_INVALID_CONFIG');
    return error.message.replaceAll(file, '<file>');
  }
  throw new Error('it was read');
}

const VARIABLES = {
  TEXT: 'shop',
  FLAG: 'true',
  WHOLE: '7',
  BROKEN: '7.5',
  HEX: '0xff',
  NOTHING: '',
  NULL: 'null',
  LINES: 'a: 1\n- b\n{c: [d]}',
  REFERENCE: '${TEXT}',
  DOLLARS: 'a$$b',
};

/** What follows `key:`, and what it is then. */
const VALUES: [written: string, value: unknown][] = [
  ['${TEXT}', 'shop'],
  ['${env:TEXT}', 'shop'],
  ['${FLAG}', true],
  ['${WHOLE}', 7],
  ['${BROKEN}', 7.5],
  ['${HEX}', 255],
  ['${NULL}', null],
  ['"${FLAG}"', 'true'],
  ["'${WHOLE}'", '7'],
  ['"${NULL}"', 'null'],
  ['a ${TEXT} ${WHOLE}b', 'a shop 7b'],
  ['${WHOLE}${WHOLE}', 77],
  ['${UNSET}', null],
  ['"${UNSET}"', ''],
  ['${NOTHING}', null],
  ['${UNSET:-x}', 'x'],
  ['${UNSET:-}', null],
  ['${NOTHING:-5}', 5],
  ['${env:UNSET:-false}', false],
  ['${TEXT:-x}', 'shop'],
  ['"${UNSET:-a b:-c}"', 'a b:-c'],
  ['${UNSET:-${TEXT}}', '${TEXT}'],
  // No structure, and nothing that is looked at again.
  ['${LINES}', 'a: 1\n- b\n{c: [d]}'],
  ['[a, "${LINES}"]', ['a', 'a: 1\n- b\n{c: [d]}']],
  ['${REFERENCE}', '${TEXT}'],
  ['${DOLLARS}', 'a$$b'],
  // Escapes.
  ['$${TEXT}', '${TEXT}'],
  ['$$${TEXT}', '$shop'],
  ['$$$${TEXT}', '$${TEXT}'],
  ['$${UNSET:-x}', '${UNSET:-x}'],
  ['$${UNSET:-${TEXT}}', '${UNSET:-shop}'],
  ['a $$ b', 'a $ b'],
  // What is no reference.
  ['$TEXT', '$TEXT'],
  ['$', '$'],
  ['"${}"', '${}'],
  ['"${TEXT"', '${TEXT'],
  ['|\n  ${TEXT}\n', 'shop\n'],
  ['>-\n  ${FLAG}\n', 'true'],
  // Without references all is YAML's.
  ['5', 5],
  ['0o17', 15],
  ['yes', 'yes'],
  ['', null],
];

describe('substitution makes', () => {
  for (const [text, value] of VALUES) {
    test(`${JSON.stringify(value)} of ${JSON.stringify(text)}`, t => {
      assert.deepEqual(read(t, `key: ${text}`, VARIABLES), { key: value });
    });
  }

  test('nothing of keys, comments and what an alias repeats twice', t => {
    assert.deepEqual(
      read(
        t,
        '${TEXT}: a # ${TEXT:?x}\nb: &b "$$${TEXT}"\nc: *b\nd:\n  ${TEXT}: ${WHOLE}',
        VARIABLES,
      ),
      { '${TEXT}': 'a', b: '$shop', c: '$shop', d: { '${TEXT}': 7 } },
    );
  });
});

describe('a file is refused', () => {
  test('whose reference is of another form, with its place', t => {
    for (const reference of [
      '${1TEXT}',
      '${TE$XT}',
      '${TEXT:?required}',
      '${sys:TEXT}',
      '${ TEXT }',
      '${env:}',
    ]) {
      assert.equal(
        refusal(t, `a: {b: [x, {c: "p${reference}"}]}`),
        `<file>: a.b[1].c: found ${reference}, expected a reference such as \${NAME}, \${env:NAME} or \${NAME:-default}; write $$ for a dollar sign`,
      );
    }
  });

  test('that is no YAML, or more than one document', t => {
    for (const [text, message] of [
      ['a: 1\nb: [s3cret', /^<file>: found no YAML in line 2, column \d+: /],
      ['a: 1\na: s3cret', /^<file>: found no YAML in line 2, .*unique/],
      ['a: 1\n---\nb: s3cret', /^<file>: found no YAML in line 2, /],
      ['a: *b', /^<file>: found no YAML: Unresolved alias.* b$/],
    ] as const) {
      const said = refusal(t, text);
      assert.match(said, message);
      assert.doesNotMatch(said, /s3cret/);
    }
  });

  test('that has another extension, or is not there', t => {
    assert.match(
      refusal(t, '{}', 'otel.json'),
      /^OTEL_CONFIG_FILE: found "<file>", expected a file that ends in \.yaml or \.yml$/,
    );
    assert.throws(
      () => readConfigFile(named('/no/such/otel.yml')),
      /OTEL_CONFIG_FILE: found "\/no\/such\/otel\.yml", expected a file that can be read: ENOENT/,
    );
  });

  test('whose aliases make it too large', t => {
    const levels = Array.from(
      { length: 9 },
      (_, level) =>
        `l${level + 1}: &l${level + 1} [${Array(10).fill(`*l${level}`).join(', ')}]`,
    );
    assert.match(
      refusal(t, ['l0: &l0 x', ...levels].join('\n')),
      /^<file>: found no YAML: .*alias/i,
    );
  });
});

const FILE = `
file_format: "1.0"
resource:
  attributes:
    - name: service.name
      value: \${NAME:-file}
    - { name: replicas, value: 3, type: int }
  schema_url: https://opentelemetry.io/schemas/1.37.0
  detection/development:
    detectors:
      - host:
    attributes: { included: [os.type] }
propagator:
  composite_list: tracecontext
meter_provider:
  readers:
    - periodic:
        max_export_batch_size/development: 100
        producers: [{ opencensus: }]
        exporter:
          otlp_http:
            endpoint: \${ENDPOINT}/v1/metrics
            encoding: json
            temporality_preference: delta
  views:
    - selector: { instrument_name: env.histogram }
      stream: { name: renamed }
`;

/** The schema as a function, of the package with which OpenTelemetry's SDK reads such files. */
// eslint-disable-next-line @typescript-eslint/no-require-imports -- it is not exported
const isValid = require(
  path.join(
    path.dirname(require.resolve('@opentelemetry/configuration')),
    'generated/validator.js',
  ),
) as (model: unknown) => boolean;

test('the file of these tests is one for the schema of OpenTelemetry too', t => {
  assert.ok(isValid(read(t, FILE, { ENDPOINT: 'http://c:4318' })));
  assert.ok(!isValid(read(t, FILE.replace('json', 'xml'))));
});

/** Runs a program with a file, and variables that must not count. */
async function run(
  t: TestContext,
  {
    text = FILE,
    options = {},
    env = {},
  }: {
    text?: string;
    options?: Record<string, unknown>;
    env?: Record<string, string>;
  },
) {
  const receiver = await OtlpReceiver.start(t);
  const ending = await runNode(t, 'lifecycle/environment.cjs', {
    args: [JSON.stringify(options)],
    env: {
      OTEL_CONFIG_FILE: written(t, text),
      ENDPOINT: receiver.url,
      OTEL_SERVICE_NAME: 'variable',
      OTEL_RESOURCE_ATTRIBUTES: 'region=variable',
      OTEL_METRICS_EXPORTER: 'console',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      ...env,
    },
  });
  return { receiver, ending };
}

function named(name: string) {
  return { variable: 'OTEL_CONFIG_FILE', name };
}

describe('OTEL_CONFIG_FILE', { concurrency: 2 }, () => {
  test('takes the place of all other variables', async t => {
    const { receiver, ending } = await run(t, {});
    assert.match(ending.stdout, /flushed/, ending.stderr);
    const { resource } = receiver;
    assert.equal(resource['service.name'], 'file');
    assert.equal(resource.replicas, '3');
    assert.ok('os.type' in resource && !('os.version' in resource));
    assert.ok(!('region' in resource));
    const names = receiver.metrics.map(metric => metric.name);
    assert.ok(names.includes('renamed') && !names.includes('env.histogram'));
    const counter = receiver.metrics.find(({ name }) => name === 'env.counter');
    assert.equal(dataOf(counter!).aggregationTemporality, 1);
    // No console, and no page.
    assert.doesNotMatch(ending.stdout, /resourceMetrics|9464/);
  });

  test('may have its former name, with a note, and goes before it', async t => {
    const env = (file: string, former: string) => ({
      env: {
        OTEL_CONFIG_FILE: file,
        OTEL_EXPERIMENTAL_CONFIG_FILE: former,
      },
    });
    const former = await run(t, env('', written(t, FILE)));
    assert.equal(former.receiver.resource['service.name'], 'file');
    const said = `${former.ending.stdout}${former.ending.stderr}`.match(
      /OTEL_EXPERIMENTAL_CONFIG_FILE is the former name of OTEL_CONFIG_FILE/g,
    );
    assert.equal(said?.length, 1);
    const both = await run(t, env(written(t, FILE), '/no/such/file.yaml'));
    assert.equal(both.receiver.resource['service.name'], 'file');
    const wrong = await run(t, env('', '/no/such/file.yaml'));
    assert.match(
      wrong.ending.stderr,
      /OTEL_EXPERIMENTAL_CONFIG_FILE: found "\/no\/such\/file\.yaml", expected a file that can be read/,
    );
  });

  test('says once what is not supported, and what is not for metrics', async t => {
    const { ending } = await run(t, {});
    const said = [
      ...`${ending.stdout}${ending.stderr}`.matchAll(/otel\.yaml: .*/g),
    ];
    assert.deepEqual(
      said.map(([line]) => line.replace('otel.yaml: ', '')),
      [
        'propagator: is not for metrics; ignored by this package',
        'meter_provider.readers[0].periodic.producers[0].opencensus: is not supported: OpenCensus has ended; ignored',
      ],
    );
  });

  test('is below what a program or app-config says', async t => {
    const { receiver } = await run(t, {
      options: { serviceName: 'option', resource: { replicas: 4 } },
      env: { NAME: 'substituted' },
    });
    assert.equal(receiver.resource['service.name'], 'option');
    assert.equal(receiver.resource.replicas, '4');
  });

  test('that is wrong is an error that names the place in it', async t => {
    const { ending, receiver } = await run(t, {
      text: FILE.replace('encoding: json', 'encoding: xml'),
    });
    assert.notEqual(ending.code, 0);
    assert.match(
      ending.stderr,
      /otel\.yaml: meter_provider\.readers\[0\]\.periodic\.exporter\.otlp_http\.encoding: unknown variant `xml`, expected `protobuf` or `json`/,
    );
    assert.deepEqual(receiver.received, []);
  });

  test('can disable metrics, and set the log level', async t => {
    const { ending, receiver } = await run(t, {
      text: `${FILE}\ndisabled: true\nlog_level: error\n`,
    });
    assert.equal(ending.code, 0, ending.stderr);
    assert.deepEqual(receiver.received, []);
    assert.doesNotMatch(ending.stdout + ending.stderr, /otel\.yaml|disabled/);
  });

  test('configures a page', async t => {
    const port = await freePort();
    const { ending } = await run(t, {
      text: `
file_format: "1.0"
meter_provider:
  readers:
    - pull: { exporter: { prometheus/development: { port: ${port} } } }
`,
    });
    assert.match(ending.stdout, new RegExp(`127\\.0\\.0\\.1:${port}`));
  });
});

describe('OTEL_LOG_LEVEL', { concurrency: 2 }, () => {
  const wrong = { OTEL_METRICS_EXPORTER: 'none,wrong' };
  for (const [level, isSaid] of [
    ['warn', true],
    ['INFO', true],
    ['error', false],
    ['none', false],
  ] as const) {
    test(`${level} ${isSaid ? 'shows' : 'hides'} a warning`, async t => {
      const { ending } = await run(t, {
        env: { ...wrong, OTEL_CONFIG_FILE: '', OTEL_LOG_LEVEL: level },
      });
      const said = ending.stdout + ending.stderr;
      assert.equal(/found "wrong"/.test(said), isSaid, said);
    });
  }

  test('of another word is a warning, and counts as unset', async t => {
    const { ending } = await run(t, {
      env: { ...wrong, OTEL_CONFIG_FILE: '', OTEL_LOG_LEVEL: 'loud' },
    });
    const said = ending.stdout + ending.stderr;
    assert.match(said, /OTEL_LOG_LEVEL: found "loud", expected one of none/);
    assert.match(said, /found "wrong"/);
  });
});
