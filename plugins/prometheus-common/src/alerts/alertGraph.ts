import { constantOf, partsOf } from '../promql/constants';
import { type SyntaxNode, tryParse } from '../promql/syntax';

/** How an alert's expression compares its values with a number. */
export interface AlertCondition {
  op: '==' | '!=' | '>' | '>=' | '<' | '<=';
  value: number;
}

/** What an alert's expression is drawn as. */
export interface AlertGraph {
  /** What is compared, or the whole expression. */
  query: string;
  /** What the values of the query have to be for the alert, all of it; empty where nobody knows. */
  conditions: AlertCondition[];
}

type Operator = AlertCondition['op'];

const OPERATORS: Record<string, Operator> = {
  Eql: '==',
  Neq: '!=',
  Gtr: '>',
  Gte: '>=',
  Lss: '<',
  Lte: '<=',
};

/** `0.5 < a` is `a > 0.5`. */
const MIRRORED: Record<Operator, Operator> = {
  '==': '==',
  '!=': '!=',
  '>': '<',
  '>=': '<=',
  '<': '>',
  '<=': '>=',
};

/**
 * An expression such as `latency > 0.5` has values only while it is true. Its left side has them at
 * all times, with `0.5` as a line across them. What is no comparison with a number is drawn as it is,
 * and so is what the grammar of Prometheus does not know.
 */
export function alertGraphOf(expression: string): AlertGraph {
  const { tree } = tryParse(expression);
  const [whole] = tree ? partsOf(tree.topNode) : [];
  const conditions: AlertCondition[] = [];
  let compared = whole;
  for (
    let found = whole && comparisonOf(expression, whole);
    found;
    found = comparisonOf(expression, compared)
  ) {
    conditions.unshift(found.condition);
    compared = found.compared;
  }
  return conditions.length > 0
    ? { query: expression.slice(compared.from, compared.to), conditions }
    : { query: expression, conditions };
}

/** What a comparison with a number compares, on whichever side the number is. */
function comparisonOf(
  expression: string,
  node: SyntaxNode,
): { compared: SyntaxNode; condition: AlertCondition } | undefined {
  const parts = partsOf(node);
  if (node.name === 'ParenExpr' && parts.length === 1) {
    return comparisonOf(expression, parts[0]);
  }
  const [left, operator, right] = parts;
  // With `bool` there are five: its values are 0 and 1, and never missing.
  if (
    node.name !== 'BinaryExpr' ||
    parts.length !== 3 ||
    !Object.hasOwn(OPERATORS, operator.name)
  ) {
    return undefined;
  }
  const op = OPERATORS[operator.name];
  const [below, above] = [left, right].map(side =>
    constantOf(expression, side),
  );
  if (above !== undefined && below === undefined) {
    return { compared: left, condition: { op, value: above } };
  }
  return below !== undefined && above === undefined
    ? { compared: right, condition: { op: MIRRORED[op], value: below } }
    : undefined;
}
