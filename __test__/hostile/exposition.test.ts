import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Prometheus, SCRAPE_PROTOCOLS } from '../support/Prometheus';
import { prometheus, PYTHON, without } from '../support/tools';
import {
  assertNothingInjected,
  fetchText,
  KINDS,
  parseStrictly,
  provide,
  recordAll,
  samplesOf,
  TEXTS,
} from './support';

const PARSERS = without(PYTHON, prometheus(2).promtool, prometheus(3).promtool);

/** A sample, comments and an end of the page, for a writer that forgets to escape. */
const INJECTION =
  '"} 1\ninjected_total{evil="1"} 666\n# HELP injected_total x\n# TYPE injected_total counter\n# EOF\n';

/** Values of attributes, by what is odd about them. */
const VALUES: Record<string, string> = {
  injection: INJECTION,
  newlines: '\n\na\nb\n',
  carriage: '\r\na\rb\r',
  quotes: '"\'`"',
  backslash: '\\',
  backslashes: '\\\\"\\n\\',
  'escaped newline': '\\n',
  nul: 'a\0b',
  'lone surrogates': '\ud800a\udfff',
  'other line ends': '\u2028\u2029\u0085\v\f\x1c\x1d\x1e',
  'control characters': '\x01\x08\x1b[31m\x7f',
  'direction and byte order marks': '\u202e\ufeff',
  braces: '{a="b"} 1 # {} 2',
  spaces: '  a\t',
  emoji: '🍕'.repeat(3),
  // Python's parser takes minutes for a megabyte.
  long: 'ü\n"\\'.repeat(500),
};

/** Keys of attributes: reserved, inherited, alike after escaping, or not fit for a name at all. */
const KEYS = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'le',
  'exported_le',
  'quantile',
  'job',
  'instance',
  '__name__',
  'exported___name__',
  '__address__',
  'otel_scope_name',
  'otel.scope.name',
  'otel_scope_version',
  'exported_otel_scope_name',
  'a.b',
  'a-b',
  'a_b',
  'a__b',
  'a b',
  '1',
  '0x',
  '{}',
  '=',
  ',',
  '# HELP',
  `x${INJECTION}`,
  'x\ny',
  'x"y',
  'x\\',
  'x\0',
  '\ud800',
  'ключ',
  '💥',
  'U__61_',
];

/** What {@link recordAll} records into, as Prometheus calls it. */
const NAMES = [
  'hostile_counter_total',
  'hostile_upDownCounter',
  'hostile_gauge',
  'hostile_histogram_count',
  'hostile_observableCounter_total',
  'hostile_observableUpDownCounter',
  'hostile_observableGauge',
];

/** Their values say which they are, without the `;` that stands between joined ones. */
const valueOfKey = (index: number) => `value ${index}`;

function hostileValues(): unknown[] {
  return Object.entries(VALUES).map(([odd, v]) => ({ odd, v }));
}

function hostileKeys(): unknown[] {
  return [
    Object.fromEntries(KEYS.map((key, index) => [key, valueOfKey(index)])),
  ];
}

for (const translationStrategy of [
  'UnderscoreEscapingWithSuffixes',
  'NoTranslation',
] as const) {
  describe(`a page of ${translationStrategy}`, { skip: PARSERS }, () => {
    for (const [format, accept] of TEXTS) {
      test(`as ${accept} carries every value of an attribute unharmed`, async t => {
        const { provider, url } = provide(t, { translationStrategy });
        recordAll(provider.getMeter('m'), hostileValues);
        const text = await fetchText(url, accept);
        const families = await parseStrictly(format, text);
        assertNothingInjected(families);
        for (const kind of KINDS) {
          const found = samplesOf(families, kind).map(({ labels, value }) => [
            labels.odd,
            { v: labels.v, value: Number(value) },
          ]);
          const wanted = Object.entries(VALUES).map(([odd, v], index) => [
            odd,
            { v: v.toWellFormed(), value: index + 1 },
          ]);
          assert.equal(found.length, wanted.length, kind);
          assert.deepEqual(
            Object.fromEntries(found),
            Object.fromEntries(wanted),
          );
        }
      });

      test(`as ${accept} keeps its own labels and every attribute, whatever the keys`, async t => {
        const { provider, url } = provide(t, { translationStrategy });
        recordAll(provider.getMeter('the scope'), hostileKeys);
        const text = await fetchText(url, accept);
        const families = await parseStrictly(format, text);
        assertNothingInjected(families);
        const scopeLabel = accept.endsWith('dots')
          ? 'otel__scope__name'
          : 'otel_scope_name';
        for (const kind of KINDS) {
          const samples = samplesOf(families, kind);
          assert.equal(samples.length, 1, kind);
          const [{ labels, value }] = samples;
          assert.equal(Number(value), 1);
          // Attributes of that name are joined with it.
          assert.ok(labels[scopeLabel].split(';').includes('the scope'));
          assert.equal('__name__' in labels, false);
          assert.equal('le' in labels, kind !== 'histogram');
          assert.deepEqual(
            Object.values(labels)
              .flatMap(joined => joined.split(';'))
              .sort(),
            ['the scope', ...KEYS.map((_, index) => valueOfKey(index))].sort(),
          );
        }
      });
    }
  });
}

test(
  'a real Prometheus stores every value and key from protobuf as from text',
  { skip: without(prometheus(3).server) },
  async t => {
    const { provider, url } = provide(t);
    recordAll(provider.getMeter('values'), hostileValues);
    recordAll(provider.getMeter('keys'), hostileKeys);
    const server = await Prometheus.start(
      t,
      3,
      Object.entries(SCRAPE_PROTOCOLS).map(([job, protocol]) => ({
        job_name: job,
        scrape_protocols: [protocol],
        scrape_timeout: '2s',
        scrape_interval: '2s',
        static_configs: [{ targets: [new URL(url).host] }],
      })),
    );
    await server.scraped(3);
    for (const job of Object.keys(SCRAPE_PROTOCOLS)) {
      assert.deepEqual(await server.query('{__name__=~"injected.*"}'), []);
      for (const name of NAMES) {
        const samples = await server.query(`${name}{job="${job}"}`);
        const values = samples.filter(({ metric }) => 'odd' in metric);
        assert.deepEqual(
          Object.fromEntries(
            values.map(({ metric: { odd, v }, value }) => [
              odd,
              { v, value: Number(value[1]) },
            ]),
          ),
          Object.fromEntries(
            Object.entries(VALUES).map(([odd, v], index) => [
              odd,
              { v: v.toWellFormed(), value: index + 1 },
            ]),
          ),
          `${name} of ${job}`,
        );
        const keys = samples.filter(({ metric }) => !('odd' in metric));
        assert.equal(keys.length, 1, `${name} of ${job}`);
        const { __name__, job: from, instance, ...labels } = keys[0].metric;
        assert.equal(from, job);
        assert.equal(__name__, name);
        assert.equal(instance, new URL(url).host);
        assert.ok(labels.otel_scope_name.split(';').includes('keys'));
        assert.deepEqual(
          Object.values(labels)
            .flatMap(joined => joined.split(';'))
            .sort(),
          ['keys', ...KEYS.map((__, index) => valueOfKey(index))].sort(),
        );
      }
    }
  },
);
