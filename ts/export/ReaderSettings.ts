import { MetricsError } from '../common/errors';
import { toJson } from '../common/json';
import { shortened } from '../common/text';
import type { MetricFilter, MetricsOptions } from '../options/options';
import { plainOptions, takeFilter } from '../options/plainOptions';
import type { MetricFilters } from '../instruments/MetricFilters';

/** What of a reader of the program's can change while it reads. */
export const CHANGEABLE = [
  'temporality',
  'defaultAggregation',
  'cardinalityLimits',
  'metricFilter',
] as const;

/** Options as the native side takes them: JSON, and what the facade knows a filter that is a function by. */
export type Apply = (options: string, filter: number | undefined) => void;

/** The options of a reader or exporter of the program's, which may change. */
export class ReaderSettings {
  private plain: Record<string, unknown>;
  private number: number | undefined;

  /**
   * @param filters - Has its filter, where that is a function.
   * @throws MetricsError `ERR_METRICS_INVALID_CONFIG`
   */
  constructor(
    options: unknown,
    private readonly filters: MetricFilters,
  ) {
    const { plain, filter } = read(options);
    this.plain = plain;
    this.number = filter && filters.add(filter);
  }

  get json(): string {
    return toJson(this.plain);
  }

  get filter(): number | undefined {
    return this.number;
  }

  /**
   * Applies what changes: `null` stands for the default. Where that throws, all stays as it was.
   *
   * @throws MetricsError `ERR_METRICS_INVALID_CONFIG`
   */
  update(options: unknown, changeable: readonly string[], apply: Apply): void {
    const { plain, filter } = read(options);
    for (const key of Object.keys(plain)) {
      if (!changeable.includes(key)) {
        throw new MetricsError(
          'ERR_METRICS_INVALID_CONFIG',
          `options: found ${JSON.stringify(shortened(key, 64))}, which cannot change while it runs, expected one of ${changeable.join(', ')}`,
        );
      }
    }
    const changed = { ...this.plain, ...plain };
    const before = this.number;
    let number = 'metricFilter' in plain ? undefined : before;
    if (filter) {
      delete changed.metricFilter;
      number = this.filters.add(filter);
    }
    const given = Object.entries(changed).filter(([, value]) => value !== null);
    const next = Object.fromEntries(given);
    try {
      apply(toJson(next), number);
    } catch (error) {
      if (number !== before) {
        this.filters.remove(number);
      }
      throw error;
    }
    this.plain = next;
    this.number = number;
    if (number !== before) {
      this.filters.remove(before);
    }
  }

  /** Nobody reads by them any more. */
  end(): void {
    this.filters.remove(this.number);
  }
}

function read(options: unknown) {
  const filters: MetricFilter[] = [];
  const plain: MetricsOptions = plainOptions(options, 'options', {
    filters,
    reservoirs: [],
  });
  const index = takeFilter(plain);
  return {
    plain: plain as Record<string, unknown>,
    filter: index === undefined ? undefined : filters[index],
  };
}
