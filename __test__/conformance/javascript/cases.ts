// Defines a case, and holds both sides to it.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type Attributes, diag, DiagLogLevel } from '@opentelemetry/api';
import { type Options, ours, type Seen, type Side, theirs } from './sides';

export interface Player extends Side {
  /** Warnings and errors so far. */
  warnings: string[];
}

/** An expectation of OpenTelemetry's own suite. */
export interface Case {
  title: string;
  options?: Options;
  /** Why it is not asked of the JS SDK that the tests have. */
  alone?: string;
  /** Plays it on one side; gives what is compared. */
  play: (side: Player) => unknown;
  expected: unknown;
}

/** Something that we do otherwise, by the titles of the cases that see it: what we give there. */
export interface Difference {
  reason: string;
  ours: Record<string, unknown>;
}

/**
 * Plays every case on both sides. The JS SDK has to give what is expected, or the expectation is not
 * its own; ours has to as well, but where a difference says what it gives.
 */
export function playAll(
  suite: string,
  cases: Case[],
  differences: Record<string, Difference>,
): void {
  const listed = Object.entries(differences).flatMap(([name, difference]) =>
    Object.entries(difference.ours).map(
      ([title, given]) => [title, { name, given }] as const,
    ),
  );
  const different = new Map(listed);

  void describe(suite, () => {
    for (const { title, options = {}, alone, play, expected } of cases) {
      void test(title, async t => {
        if (!alone) {
          const found = await played(t, theirs(options), play);
          assert.deepEqual(found, expected, 'the JS SDK');
        }
        const own = await played(t, ours(options), play);
        const difference = different.get(title);
        if (difference) {
          assert.deepEqual(own, difference.given, difference.name);
          assert.notDeepEqual(own, expected, `${difference.name} is gone`);
        } else {
          assert.deepEqual(own, expected, 'ours');
        }
      });
    }

    void test('differs in nothing but what is listed with a reason', () => {
      const titles = cases.map(({ title }) => title);
      assert.equal(new Set(titles).size, titles.length);
      assert.equal(different.size, listed.length, 'a case differs once');
      for (const [title] of listed) {
        assert.ok(titles.includes(title), title);
      }
      for (const [name, { reason }] of Object.entries(differences)) {
        assert.match(reason, /^[A-Z].{20,}\.$/s, name);
      }
    });
  });
}

async function played(
  t: TestContext,
  side: Side,
  play: Case['play'],
): Promise<unknown> {
  const warnings: string[] = [];
  const ignore = () => {};
  const warn = (message: string) => {
    warnings.push(message);
  };
  diag.setLogger(
    { error: warn, warn, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  t.after(() => diag.disable());
  try {
    return await play({ ...side, warnings });
  } finally {
    await side.provider.shutdown();
  }
}

/** The points of the metric, or of the only one, as pairs in a fixed order. */
export function pointsOf(
  metrics: Seen[],
  name = metrics[0]?.name,
): [Attributes, unknown][] {
  const found = metrics.filter(metric => metric.name === name);
  assert.equal(found.length, 1, `${found.length} metrics called ${name}`);
  return found[0].points
    .map(({ attributes, value }): [Attributes, unknown] => [attributes, value])
    .sort(([a], [b]) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
