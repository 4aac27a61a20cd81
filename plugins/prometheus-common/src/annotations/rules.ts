import { clip, locate, type Position } from '../position';
import { enforcedProblem } from '../promql/enforceMatchers';
import { splitQueries } from '../promql/scan';
import { unquote } from '../promql/strings';
import { checkLength, checkQuery } from '../promql/syntax';
import { AnnotationError, lengthProblem } from './AnnotationError';
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
   * `promql` (the default) checks every query by the official grammar, and `enforced` does it too and
   * says that it has to, because labels are enforced. With `any` only brackets and quotes count:
   * functions and names are the server's to judge, for versions and other servers have their own.
   */
  language?: 'promql' | 'enforced' | 'any';
}

/** A stretch of the annotation without the space around it. */
interface Part {
  text: string;
  offset: number;
}

const LABEL_NAME = /^[A-Za-z_]\w*$/;
/** From a comment's `#` to the end of its line. */
const COMMENT = /#[^\n\r]*/g;

/** Graphs of one entity: more than anyone looks at, and few enough to read at every request. */
export const MAX_PANELS = 100;

/**
 * Reads `prometheus.io/rule`: queries with commas between them, each followed by `|` and a label if
 * it has a dimension. Commas and bars inside brackets and strings belong to the query. Empty
 * queries, such as after a trailing comma, are left out. {@link MAX_ANNOTATION_LENGTH} and
 * {@link MAX_PANELS} are the most that is read.
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
  const tooLong = lengthProblem(RULE_ANNOTATION, text);
  if (tooLong) {
    return { panels: [], problems: [tooLong] };
  }
  const panels: RulePanel[] = [];
  const { rules, problem } = splitRules(text);
  const problems = problem ? [problem] : [];
  for (const rule of rules.slice(0, MAX_PANELS)) {
    try {
      panels.push(toPanel(text, rule, options));
    } catch (error) {
      if (!(error instanceof AnnotationError)) {
        throw error;
      }
      problems.push(error);
    }
  }
  if (rules.length > MAX_PANELS) {
    problems.push(tooMany(text, rules));
  }
  return { panels, problems };
}

function tooMany(text: string, rules: Part[][]): AnnotationError {
  return new AnnotationError(
    RULE_ANNOTATION,
    text,
    `there are ${rules.length} queries, and ${MAX_PANELS} are the most; this one and those behind it are left out`,
    rules[MAX_PANELS][0].offset,
  );
}

/** The rules that are not empty, up to the first problem with quotes and brackets. */
function splitRules(text: string): {
  rules: Part[][];
  problem?: AnnotationError;
} {
  const { pieces, problem } = splitQueries(text);
  const rules: Part[][] = [];
  let parts: Part[] = [];
  for (const { from, to, separator } of pieces) {
    parts.push(trim(text, from, to));
    // What is behind the problem is not cut, so the last rule is not one.
    const isWhole = separator === ',' || (separator === '' && !problem);
    if (isWhole && isAsked(parts)) {
      rules.push(parts);
    }
    if (separator !== '|') {
      parts = [];
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

/** Whether there is more in a rule than space and comments. */
function isAsked([query, dimension]: Part[]): boolean {
  return dimension !== undefined || !isBlank(query);
}

function isBlank({ text }: Part): boolean {
  return text.replace(COMMENT, '').trim() === '';
}

/** @throws AnnotationError */
function toPanel(
  text: string,
  [query, dimension, ...more]: Part[],
  { language = 'promql' }: RuleOptions = {},
): RulePanel {
  const fail = (problem: string, offset: number) =>
    new AnnotationError(RULE_ANNOTATION, text, problem, offset);
  if (isBlank(query)) {
    throw fail('there is no query before the "|"', query.offset);
  }
  if (more.length > 0) {
    throw fail(
      'a query has one dimension, and here is a second "|"',
      more[0].offset,
    );
  }
  const check = language === 'any' ? checkLength : checkQuery;
  const problem = check(query.text);
  if (problem) {
    throw fail(
      language === 'enforced'
        ? enforcedProblem(problem.message)
        : problem.message,
      query.offset + problem.offset,
    );
  }
  return {
    query: query.text,
    ...(dimension?.text && { dimension: labelName(dimension, fail) }),
    position: locate(text, query.offset),
  };
}

function labelName(
  { text, offset }: Part,
  fail: (problem: string, offset: number) => AnnotationError,
): string {
  const name = LABEL_NAME.test(text) ? text : unquote(text);
  if (name === undefined || name === '') {
    throw fail(
      `"${clip(text)}" is not the name of a label; after "|" stands the one label that names the series`,
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
