import { parser } from '@prometheus-io/lezer-promql';
import { QueryError, type QueryProblem } from './QueryError';
import { isStringLiteral } from './strings';

/** The types of the one `@lezer/common` that the parser uses, whichever of its two builds that is. */
export type Tree = ReturnType<typeof parser.parse>;
export type SyntaxNode = Tree['topNode'];

/** UTF-16 code units. Prometheus itself has no limit; queries that people read are far shorter. */
export const MAX_QUERY_LENGTH = 10_000;

export function parse(query: string): Tree {
  return parser.parse(query);
}

/**
 * Checks a query by the official PromQL grammar and its strings by Go's rules. Types are the
 * server's to check, and MetricsQL is another language.
 *
 * @returns the first problem, or `undefined`
 */
export function checkQuery(query: string): QueryProblem | undefined {
  if (query.length > MAX_QUERY_LENGTH) {
    return {
      offset: MAX_QUERY_LENGTH,
      message: `the query has ${query.length} characters, and ${MAX_QUERY_LENGTH} is the most`,
    };
  }
  return firstProblem(query, parse(query));
}

/**
 * Parses a query of which every part is understood.
 *
 * @throws QueryError with the first problem of {@link checkQuery}
 */
export function parseStrictly(query: string): Tree {
  const problem = checkQuery(query);
  if (problem) {
    throw new QueryError(query, problem.message, problem.offset);
  }
  return parse(query);
}

/** Every node of that name, in the query's order. */
export function nodesOf(tree: Tree, name: string): SyntaxNode[] {
  const nodes: SyntaxNode[] = [];
  tree.iterate({
    enter: ({ name: entered, node }) => {
      if (entered === name) {
        nodes.push(node);
      }
    },
  });
  return nodes;
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
  const called = /(\w+)\s*$/.exec(query.slice(0, offset));
  if (called && rest.startsWith('(')) {
    return `there is no function "${called[1]}"`;
  }
  const [found] = /^\s*(?:[\w:.]+|[^])/.exec(rest)!;
  return `"${found.trim()}" is not expected here`;
}
