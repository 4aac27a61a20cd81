import { formatMatcher, type LabelMatcher } from './LabelMatcher';
import { QueryError } from './QueryError';
import { nodesOf, parseStrictly, type SyntaxNode, type Tree } from './syntax';

/**
 * Functions that read series which no selector in the query names: `info` finds the info metrics by
 * itself. `label_replace` and `label_join` may stay: they rename what was selected already.
 */
const SELECTING_FUNCTIONS = ['Info'];

/** Prometheus and the official grammar agree on what these are and where they end. */
const PLAIN = /[\x20-\x7e\t\n\r]/;

/** Of a query whose strings are all complete. */
const STRING_OR_SPACE =
  /("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)|[\t\n\r ]+/g;

/**
 * Adds matchers to every selector of a query, so that it can read nothing else. PromQL wants all
 * matchers of a selector to hold, also several on one label: whatever the query says of the same
 * label can only narrow the answer.
 *
 * What is sent is not the author's text: the result is printed from what was understood, parsed
 * again, and every selector of it is looked at. Refused is whatever could mean something else to
 * the server: anything that does not parse cleanly, comments (the grammar ends them at a line
 * feed, Prometheus also at a carriage return), other characters than ASCII outside strings, and
 * functions that select by themselves.
 *
 * @throws QueryError for a query that is refused
 * @throws RangeError for a matcher that would enforce nothing
 */
export function enforceMatchers(
  query: string,
  matchers: LabelMatcher[],
): string {
  matchers.forEach(assertEnforcing);
  const clauses = matchers.map(formatMatcher);
  const tree = parseUnderstood(query);
  refuseUnclear(query, tree);
  const printed = print(query, tree, clauses);
  assertEnforced(printed, clauses, nodesOf(tree, 'VectorSelector').length);
  return printed;
}

function assertEnforcing({ label, op, value }: LabelMatcher): void {
  if (label === '') {
    throw new RangeError('An enforced matcher needs the name of a label');
  }
  if (value === '' && (op === '=' || op === '=~')) {
    throw new RangeError(
      `The enforced label "${label}" is empty, which would match the series that lack it`,
    );
  }
}

/**
 * Says with a problem why it counts: without enforced labels the server would judge.
 *
 * @param problem - a sentence without the place
 */
export function enforcedProblem(problem: string): string {
  return `${problem}. Labels are enforced on this instance, so a query has to be understood by the grammar of Prometheus 3 before it is sent`;
}

/** @throws QueryError that says why it has to be understood */
function parseUnderstood(query: string): Tree {
  try {
    return parseStrictly(query);
  } catch (error) {
    throw error instanceof QueryError
      ? new QueryError(query, enforcedProblem(error.problem), error.offset)
      : error;
  }
}

function refuseUnclear(query: string, tree: Tree): void {
  const [comment] = nodesOf(tree, 'LineComment');
  if (comment) {
    throw new QueryError(
      query,
      'comments are not allowed where labels are enforced',
      comment.from,
    );
  }
  for (const [from, to] of outsideStrings(query, tree)) {
    const unclear = [...query.slice(from, to)].findIndex(
      character => !PLAIN.test(character),
    );
    if (unclear !== -1) {
      throw new QueryError(
        query,
        'only ASCII is allowed outside of strings where labels are enforced',
        from + unclear,
      );
    }
  }
  for (const name of SELECTING_FUNCTIONS) {
    const [called] = nodesOf(tree, name);
    if (called) {
      throw new QueryError(
        query,
        `${query.slice(called.from, called.to)}() selects series by itself and is not allowed where labels are enforced`,
        called.from,
      );
    }
  }
}

/** The query on one line, with the clauses in every selector. */
function print(query: string, tree: Tree, clauses: string[]): string {
  let printed = '';
  let from = 0;
  for (const selector of nodesOf(tree, 'VectorSelector')) {
    const { offset, text } = insertion(selector, clauses);
    printed += query.slice(from, offset) + text;
    from = offset;
  }
  return (printed + query.slice(from))
    .replace(STRING_OR_SPACE, (_, string?: string) => string ?? ' ')
    .trim();
}

/** Behind the last matcher, because a quoted metric name may have to be the first. */
function insertion(
  selector: SyntaxNode,
  clauses: string[],
): { offset: number; text: string } {
  const text = clauses.join(',');
  const braces = selector.getChild('LabelMatchers');
  if (!braces) {
    return { offset: selector.to, text: `{${text}}` };
  }
  return braces.lastChild
    ? { offset: braces.lastChild.to, text: `,${text}` }
    : { offset: braces.from + 1, text };
}

/** Fails only if this file is wrong: what was printed is read as the server will read it. */
function assertEnforced(
  printed: string,
  clauses: string[],
  selectors: number,
): void {
  const tree = parseStrictly(printed);
  const found = nodesOf(tree, 'VectorSelector');
  const enforced = found.filter(selector => {
    const matchers = matchersOf(printed, selector);
    return clauses.every(clause => matchers.includes(clause));
  });
  if (found.length !== selectors || enforced.length !== selectors) {
    throw new QueryError(printed, 'the labels could not be enforced', 0);
  }
}

function matchersOf(query: string, selector: SyntaxNode): string[] {
  const braces = selector.getChild('LabelMatchers');
  return ['UnquotedLabelMatcher', 'QuotedLabelMatcher'].flatMap(
    kind =>
      braces?.getChildren(kind).map(({ from, to }) => query.slice(from, to)) ??
      [],
  );
}

/** The stretches of a query between its strings. */
function outsideStrings(query: string, tree: Tree): [number, number][] {
  const strings = nodesOf(tree, 'StringLiteral');
  return [...strings, undefined].map((string, index) => [
    strings[index - 1]?.to ?? 0,
    string?.from ?? query.length,
  ]);
}
