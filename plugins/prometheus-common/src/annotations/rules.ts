import { locate, type Position } from '../position';
import { splitQueries } from '../promql/scan';
import { unquote } from '../promql/strings';
import { checkQuery } from '../promql/syntax';
import { AnnotationError } from './AnnotationError';
import { RULE_ANNOTATION } from './names';

/** One graph that an entity asks for. */
export interface RulePanel {
  /** PromQL, a metric's name or a recording rule's name, as the author wrote it. */
  query: string;
  /** The label that names the series. */
  dimension?: string;
  /** Where the query begins in the annotation. */
  position: Position;
}

export interface RuleOptions {
  /**
   * `promql` (the default) checks every query by the official grammar. With `any` only the structure
   * counts: for servers with a language of their own, such as MetricsQL.
   */
  language?: 'promql' | 'any';
}

/** A stretch of the annotation without the space around it. */
interface Part {
  text: string;
  offset: number;
}

const LABEL_NAME = /^[A-Za-z_]\w*$/;
const BLANK = /^(?:\s|#[^\n\r]*)*$/;

/**
 * Reads `prometheus.io/rule`: queries with commas between them, each followed by `|` and a label if
 * it has a dimension. Commas and bars inside brackets and strings belong to the query. Empty
 * queries, such as after a trailing comma, are left out.
 *
 * @throws AnnotationError for the first problem
 */
export function parseRules(text: string, options?: RuleOptions): RulePanel[] {
  const { panels, problems } = readRules(text, options);
  if (problems.length > 0) {
    throw problems[0];
  }
  return panels;
}

/** As {@link parseRules}, but gives the good panels beside all problems. */
export function readRules(
  text: string,
  options?: RuleOptions,
): { panels: RulePanel[]; problems: AnnotationError[] } {
  const panels: RulePanel[] = [];
  const { rules, problem } = splitRules(text);
  const problems = problem ? [problem] : [];
  // What is behind the problem is not cut, so the last rule is not one.
  for (const rule of problem ? rules.slice(0, -1) : rules) {
    try {
      panels.push(...toPanel(text, rule, options));
    } catch (error) {
      problems.push(error as AnnotationError);
    }
  }
  return { panels, problems };
}

function splitRules(text: string): {
  rules: Part[][];
  problem?: AnnotationError;
} {
  const { pieces, problem } = splitQueries(text);
  const rules: Part[][] = [[]];
  for (const { from, to, separator } of pieces) {
    rules[rules.length - 1].push(trim(text, from, to));
    if (separator === ',') {
      rules.push([]);
    }
  }
  return {
    rules,
    problem:
      problem &&
      new AnnotationError(
        RULE_ANNOTATION,
        text,
        problem.message,
        problem.offset,
      ),
  };
}

/** One panel, or none for a rule that is empty. */
function toPanel(
  text: string,
  [query, dimension, ...more]: Part[],
  { language = 'promql' }: RuleOptions = {},
): RulePanel[] {
  const fail = (problem: string, offset: number) =>
    new AnnotationError(RULE_ANNOTATION, text, problem, offset);
  if (BLANK.test(query.text)) {
    if (dimension === undefined) {
      return [];
    }
    throw fail('there is no query before the "|"', query.offset);
  }
  if (more.length > 0) {
    throw fail(
      'a query has one dimension, and here is a second "|"',
      more[0].offset,
    );
  }
  const problem = language === 'promql' ? checkQuery(query.text) : undefined;
  if (problem) {
    throw fail(problem.message, query.offset + problem.offset);
  }
  return [
    {
      query: query.text,
      ...(dimension?.text && { dimension: labelName(dimension, fail) }),
      position: locate(text, query.offset),
    },
  ];
}

function labelName(
  { text, offset }: Part,
  fail: (problem: string, offset: number) => AnnotationError,
): string {
  const name = LABEL_NAME.test(text) ? text : unquote(text);
  if (name === undefined || name === '') {
    throw fail(
      `"${text}" is not the name of a label; after "|" stands the one label that names the series`,
      offset,
    );
  }
  return name;
}

function trim(text: string, from: number, to: number): Part {
  const part = text.slice(from, to);
  return {
    text: part.trim(),
    offset: from + part.length - part.trimStart().length,
  };
}
