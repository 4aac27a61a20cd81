import { attributesOf, type JsonSet } from './attributes';
import { log } from '../common/log';
import type { FilteredMetric, MetricFilter } from '../options/options';
import { textOf } from '../common/text';

/** What the engine asks of a filter, of one metric. */
export interface Questions extends Omit<FilteredMetric, 'scope'> {
  scope: {
    name: string;
    version: string | null;
    schemaUrl: string | null;
    attributes: JsonSet;
  };
  /** Of the question about the metric itself. */
  number: number | null;
  series: [number: number, set: JsonSet][];
}

/** What may be answered, by the number that the engine knows it by. */
const OF_METRIC = ['drop', 'accept', 'accept_partial'];
const OF_SERIES = ['drop', 'accept'];
const DROP = 0;

/** The functions of a program that say which metrics and series a reader gets. */
export class MetricFilters {
  private readonly filters = new Map<number, MetricFilter>();
  private next = 0;

  /** @returns what the engine knows it by */
  add(filter: MetricFilter): number {
    const number = this.next++;
    this.filters.set(number, filter);
    return number;
  }

  remove(number: number | undefined): void {
    if (number !== undefined) {
      this.filters.delete(number);
    }
  }

  get isEmpty(): boolean {
    return this.filters.size === 0;
  }

  /**
   * The number of each question and of its answer, in turn. What a filter throws, or returns and may
   * not, stands for `drop` and is an error in the log.
   */
  answer(filter: number, questions: Questions[]): number[] {
    const functions = this.filters.get(filter);
    return questions.flatMap(({ number, series, scope, ...stream }) => {
      const metric = {
        scope: {
          name: scope.name,
          version: scope.version ?? undefined,
          schemaUrl: scope.schemaUrl ?? undefined,
          attributes: attributesOf(scope.attributes),
        },
        ...stream,
      };
      const answers: number[] = [];
      if (number !== null) {
        answers.push(number, testMetric(functions, metric));
      }
      for (const [numberOfSeries, set] of series) {
        const attributes = attributesOf(set);
        answers.push(
          numberOfSeries,
          code(metric, OF_SERIES, 'testAttributes', () =>
            functions?.testAttributes?.(metric, attributes),
          ),
        );
      }
      return answers;
    });
  }
}

function testMetric(
  filter: MetricFilter | undefined,
  metric: FilteredMetric,
): number {
  // A filter that only looks at attributes.
  const test = filter?.testMetric
    ? () => filter.testMetric?.(metric)
    : () => 'accept_partial';
  return code(metric, OF_METRIC, 'testMetric', test);
}

function code(
  { name }: FilteredMetric,
  answers: string[],
  method: string,
  test: () => unknown,
): number {
  try {
    const answer = test();
    const found = answers.indexOf(answer as string);
    if (found >= 0) {
      return found;
    }
    log(
      'error',
      `${method} of a metric filter returned ${textOf(answer)} for ${JSON.stringify(name)}, expected ${answers.join(' or ')}; it is left out`,
    );
  } catch (error) {
    log(
      'error',
      `${method} of a metric filter threw for ${JSON.stringify(name)}, which is left out: ${textOf(error)}`,
    );
  }
  return DROP;
}
