import { parser } from '@prometheus-io/lezer-promql';
import { clip } from '../position';
import { INTERVAL_VARIABLES, maskIntervals } from './intervals';
import { QueryError, type QueryProblem } from './QueryError';
import { splitQueries } from './scan';
import { isStringLiteral } from './strings';

/** The types of the one `@lezer/common` that the parser uses, whichever of its two builds that is. */
export type Tree = ReturnType<typeof parser.parse>;
export type SyntaxNode = Tree['topNode'];

/** UTF-16 code units. Prometheus itself has no limit; queries that people read are far shorter. */
export const MAX_QUERY_LENGTH = 10_000;

/**
 * Operators and brackets around one place. The parser gives chains of more than 200 up, and trees
 * of some thousand levels overflow the stack of whoever walks them.
 */
export const MAX_QUERY_DEPTH = 150;

/**
 * Stops at the first error. Carrying on takes the parser 30 µs for every character that is wrong,
 * and nobody wants the rest.
 */
const strict = parser.configure({ strict: true });

/** UTF-16 code units behind the place of an error, for the parser to say what is wrong there. */
const ERROR_REACH = 200;

/** What makes a syntax tree deeper, and what may hide such. */
const LEVEL =
  /"(?:[^"\\\n]|\\[^])*"?|'(?:[^'\\\n]|\\[^])*'?|`[^`]*`?|#[^\n\r]*|[()[\]{}]|,|[=!<>][=~]?|[-+*/%^@]|\b(?:and|or|unless|atan2|offset)\b/gi;

/**
 * UTF-16 code units of queries whose trees are kept, for a check, its unit and enforced labels to
 * share one: as many as an annotation may have, once as written and once with enforced labels, which
 * are longer.
 */
const MAX_KEPT = 3 * 65_536;
const kept = new Map<string, Parsed>();
let keptLength = 0;

type Parsed =
  | { tree: Tree; problem?: undefined }
  | { tree?: undefined; problem: QueryProblem };

/**
 * The tree of a query without errors, or what is wrong with it. Its strings are not looked into, and
 * `$__interval` and the like are durations and numbers.
 */
export function tryParse(query: string): Parsed {
  const known = kept.get(query);
  if (known) {
    return known;
  }
  const problem = checkLength(query) ?? checkDepth(query);
  const parsed = problem ? { problem } : parseShort(maskIntervals(query));
  if (!problem) {
    keep(query, parsed);
  }
  return parsed;
}

/** @returns what is wrong with a query that is too long, or `undefined` */
export function checkLength(query: string): QueryProblem | undefined {
  return query.length > MAX_QUERY_LENGTH
    ? {
        offset: MAX_QUERY_LENGTH,
        message: `the query has ${query.length} characters, and ${MAX_QUERY_LENGTH} is the most`,
      }
    : undefined;
}

/**
 * Checks what every language of Prometheus-like servers has: a length, brackets and quotes.
 *
 * @returns the first problem, or `undefined`
 */
export function checkStructure(query: string): QueryProblem | undefined {
  return checkLength(query) ?? splitQueries(query).problem;
}

/**
 * Checks a query by the official PromQL grammar and its strings by Go's rules. Types are the
 * server's to check, and MetricsQL is another language.
 *
 * @returns the first problem, or `undefined`
 */
export function checkQuery(query: string): QueryProblem | undefined {
  const { tree, problem } = tryParse(query);
  return problem ?? firstProblem(query, tree);
}

/**
 * Parses a query of which every part is understood.
 *
 * @throws QueryError with the first problem of {@link checkQuery}
 */
export function parseStrictly(query: string): Tree {
  const { tree, problem } = tryParse(query);
  const found = problem ?? firstProblem(query, tree);
  if (found) {
    throw new QueryError(query, found.message, found.offset);
  }
  return tree!;
}

/** Every node of that name, in the query's order. */
export function nodesOf(tree: Tree, name: string): SyntaxNode[] {
  const nodes: SyntaxNode[] = [];
  tree.iterate({
    enter: entered => {
      if (entered.name === name) {
        nodes.push(entered.node);
      }
    },
  });
  return nodes;
}

/** What was parsed first makes room. */
function keep(query: string, parsed: Parsed): void {
  kept.set(query, parsed);
  keptLength += query.length;
  for (const oldest of kept.keys()) {
    if (keptLength <= MAX_KEPT) {
      break;
    }
    kept.delete(oldest);
    keptLength -= oldest.length;
  }
}

/** From the text alone, and rather too much than too little. */
function checkDepth(query: string): QueryProblem | undefined {
  // Of each bracket that is open: what stands in it so far, up to its last comma.
  const levels = [0];
  let depth = 0;
  for (const { 0: text, index } of query.matchAll(LEVEL)) {
    if ('([{'.includes(text)) {
      levels.push(0);
      depth++;
    } else if (')]}'.includes(text)) {
      depth -= levels.length > 1 ? levels.pop()! + 1 : 0;
    } else if (text === ',') {
      depth -= levels[levels.length - 1];
      levels[levels.length - 1] = 0;
    } else if (!/["'`#]/.test(text[0])) {
      levels[levels.length - 1]++;
      depth++;
    }
    if (depth > MAX_QUERY_DEPTH) {
      return {
        offset: index,
        message: `more than ${MAX_QUERY_DEPTH} operators and brackets are around this`,
      };
    }
  }
  return undefined;
}

function parseShort(query: string): Parsed {
  const parse = strict.startParse(query);
  try {
    for (;;) {
      const tree = parse.advance();
      if (tree) {
        return { tree };
      }
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) {
      throw error;
    }
    const end = parse.parsedPos + ERROR_REACH;
    const tree = parser.parse(query.slice(0, end));
    const problem = firstProblem(query, tree);
    // The strict parser stops at an error, so the other one finds it.
    return { problem: problem ?? { offset: end, message: error.message } };
  }
}

function firstProblem(query: string, tree: Tree): QueryProblem | undefined {
  let problem: QueryProblem | undefined;
  tree.iterate({
    enter: ({ type, from, to }) => {
      if (problem) {
        return false;
      }
      if (type.isError) {
        problem = { offset: from, message: unexpected(query, from) };
      } else if (
        type.name === 'StringLiteral' &&
        !isStringLiteral(query.slice(from, to))
      ) {
        problem = { offset: from, message: stringProblem };
      }
      return undefined;
    },
  });
  return problem;
}

const stringProblem =
  'the string is not closed, or has an escape that PromQL does not know';

function unexpected(query: string, offset: number): string {
  const rest = query.slice(offset);
  if (query.trim() === '') {
    return 'the query is empty';
  }
  if (rest.trim() === '') {
    return 'the query ends too early';
  }
  const variable = /^\s*(\$\{?__\w+\}?)/.exec(rest);
  if (variable) {
    return `there is no variable "${clip(variable[1])}"; there are ${INTERVAL_VARIABLES.join(', ')}`;
  }
  const called = /\w+$/.exec(query.slice(0, offset).trimEnd().slice(-100));
  if (called && rest.startsWith('(')) {
    return `there is no function "${clip(called[0])}"`;
  }
  const [found] = /^\s*(?:[\w:.]+|[^])/.exec(rest)!;
  return `"${clip(found.trim())}" is not expected here`;
}
