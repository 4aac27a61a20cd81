import type { TestContext } from 'node:test';
import {
  createTestMetrics,
  type TestMetrics,
  type TestMetricsOptions,
} from '@nativestage/metrics/testing';
import {
  type Attributes,
  diag,
  DiagLogLevel,
  type Meter,
} from '@opentelemetry/api';

/** What makes an instrument of each kind. */
export const CREATORS = [
  'createCounter',
  'createUpDownCounter',
  'createHistogram',
  'createGauge',
  'createObservableCounter',
  'createObservableUpDownCounter',
  'createObservableGauge',
] as const satisfies (keyof Meter)[];

/** Metrics that end with the test. */
export function testMetrics(
  t: TestContext,
  options?: TestMetricsOptions,
): TestMetrics {
  const metrics = createTestMetrics(options);
  t.after(() => metrics.shutdown());
  return metrics;
}

/** What the package says through `diag` until the test ends. */
export function diagMessages(t: TestContext): string[] {
  const messages: string[] = [];
  const logger = Object.fromEntries(
    ['error', 'warn', 'info', 'debug', 'verbose'].map(level => [
      level,
      (message: string) => {
        // The API says things too.
        if (message.startsWith('[metrics]')) {
          messages.push(`${level}: ${message}`);
        }
      },
    ]),
  ) as unknown as Parameters<typeof diag.setLogger>[0];
  diag.setLogger(logger, {
    logLevel: DiagLogLevel.ALL,
    suppressOverrideMessage: true,
  });
  t.after(() => diag.disable());
  return messages;
}

/** What counts as dropped for an instrument. */
export async function dropped(
  metrics: TestMetrics,
  instrument: string,
  reason = 'invalid_value',
): Promise<number | undefined> {
  const collection = await metrics.collect();
  return collection.value('nativestage.metrics.measurements.dropped', {
    instrument,
    reason,
  });
}

/** A set as text that tells types apart; the order of keys does not matter. */
export function setText(attributes: Attributes): string {
  return entriesText(Object.entries(attributes));
}

export function entriesText(entries: [string, unknown][]): string {
  const byKey = new Map(
    entries.map(([key, value]) => [key.toWellFormed(), valueText(value)]),
  );
  return JSON.stringify([...byKey].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function valueText(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(valueText);
  }
  return typeof value === 'string'
    ? `string ${value.toWellFormed()}`
    : // String() gives minus zero and zero one text: they are one value.
      `${typeof value} ${String(value)}`;
}
