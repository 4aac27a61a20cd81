import { nodesOf, tryParse, type SyntaxNode } from '../promql/syntax';
import { isMoment } from './moments';
import { isPartOf } from './things';
import { type BaseUnit, toUnit, type Unit } from './Unit';

/** The unit that Prometheus' metadata has for a metric, if any. */
export type UnitOfMetric = (metric: string) => string | undefined;

/** Suffixes that say how a metric is counted, not what. */
const COUNTED = /_(?:bucket|count|info)$/;

/** Words at a name's end, as the Prometheus and OpenMetrics conventions have them. */
const SUFFIXES: Record<string, BaseUnit> = {
  seconds: 'seconds',
  bytes: 'bytes',
  bits: 'bits',
  ratio: 'ratio',
  percent: 'percent',
  celsius: 'celsius',
  volts: 'volts',
  amperes: 'amperes',
  watts: 'watts',
  joules: 'joules',
  grams: 'grams',
  meters: 'meters',
};

const RATES = ['rate', 'irate', 'deriv'];
const COUNTING = [
  'count',
  'group',
  'count_values',
  'count_over_time',
  'changes',
  'resets',
];

/** Functions whose value has the unit of the selector inside. */
const SAME_UNIT =
  /^(?:sum|avg|min|max|topk|bottomk|limitk|limit_ratio|quantile|stddev|increase|i?delta|abs|ceil|floor|round|sort.*|clamp.*|label_replace|label_join|histogram_(?:sum|avg|stddev)|predict_linear|(?:sum|avg|min|max|last|first|quantile|stddev|mad)_over_time)$/;

/** Functions that give a moment, whatever of. */
const MOMENTS = ['time', 'timestamp'];

/** What a function makes of moments: the time between some, or still a moment. */
const BETWEEN_MOMENTS =
  /^(?:stddev|increase|i?delta|(?:stddev|mad)_over_time|histogram_stddev)$/;
const ADDING_UP = /^(?:sum|sum_over_time|histogram_sum)$/;

/** Operators whose value is the left side's. */
const KEEPING_LEFT = [
  'Eql',
  'Neq',
  'Lss',
  'Lte',
  'Gtr',
  'Gte',
  'And',
  'Unless',
];

/** Operators on two values of one unit; a bare number has whichever the other has. */
const JOINING = ['Add', 'Sub', 'Or'];

/**
 * The unit of a query's values: from the metadata of its metrics, or the ends of their names, and
 * what the query does with them (`rate` makes it per second, a quotient may cancel it).
 *
 * @returns `undefined` when that does not say it for certain
 */
export function inferUnit(
  query: string,
  unitOfMetric: UnitOfMetric = () => undefined,
): Unit | undefined {
  // Of any node the first child may be a comment, and no comment is an expression.
  const top = tryParse(query).tree?.topNode.getChild('Expr');
  return top ? unitOf(top, { query, unitOfMetric }) : undefined;
}

interface Context {
  query: string;
  unitOfMetric: UnitOfMetric;
}

function unitOf(node: SyntaxNode, context: Context): Unit | undefined {
  switch (node.name) {
    case 'VectorSelector':
      return unitOfSelector(node, context);
    case 'AggregateExpr':
    case 'FunctionCall':
      return unitOfCall(node, context);
    case 'BinaryExpr':
      return unitOfBinary(node, context);
    case 'MatrixSelector':
    case 'SubqueryExpr':
    case 'OffsetExpr':
    case 'AnchoredExpr':
    case 'SmoothedExpr':
    case 'StepInvariantExpr':
    case 'ParenExpr':
    case 'UnaryExpr':
      return unitOf(node.getChild('Expr')!, context);
    default:
      return undefined;
  }
}

function unitOfSelector(
  node: SyntaxNode,
  { query, unitOfMetric }: Context,
): Unit | undefined {
  const identifier = node.getChild('Identifier');
  if (!identifier) {
    return undefined;
  }
  const name = query.slice(identifier.from, identifier.to);
  if (isMoment(name)) {
    return 'timestamp';
  }
  if (COUNTED.test(name)) {
    return 'count';
  }
  const told = unitOfMetric(name);
  return (told ? toUnit(told) : undefined) ?? unitOfName(name);
}

function unitOfName(name: string): Unit | undefined {
  const words = name.replace(/_sum$/, '').split('_');
  const isTotal = words.at(-1) === 'total';
  const word = words.at(isTotal ? -2 : -1) ?? '';
  return Object.hasOwn(SUFFIXES, word)
    ? SUFFIXES[word]
    : isTotal
      ? 'count'
      : undefined;
}

function unitOfCall(node: SyntaxNode, context: Context): Unit | undefined {
  const name = textOf(node.firstChild!, context);
  const selector = argument(node);
  if (COUNTING.includes(name)) {
    return 'count';
  }
  if (MOMENTS.includes(name)) {
    return 'timestamp';
  }
  if (!selector) {
    return undefined;
  }
  if (name === 'histogram_quantile') {
    return unitOfBuckets(selector, context);
  }
  const unit = unitOf(selector, context);
  if (unit === 'timestamp') {
    return unitOfMoments(name);
  }
  if (RATES.includes(name)) {
    return unit && !unit.endsWith('/s') ? (`${unit}/s` as Unit) : undefined;
  }
  return SAME_UNIT.test(name) ? unit : undefined;
}

function unitOfMoments(name: string): Unit | undefined {
  if (BETWEEN_MOMENTS.test(name)) {
    return 'seconds';
  }
  return SAME_UNIT.test(name) && !ADDING_UP.test(name)
    ? 'timestamp'
    : undefined;
}

/** What a histogram measures, whatever was done with its buckets' counts. */
function unitOfBuckets(node: SyntaxNode, context: Context): Unit | undefined {
  const [selector] = metricsIn(node, context);
  const metric = selector?.replace(/_bucket$/, '');
  const told = metric && context.unitOfMetric(metric);
  return metric
    ? ((told ? toUnit(told) : undefined) ?? unitOfName(metric))
    : undefined;
}

/** The metrics that a part of a query reads. */
function metricsIn(node: SyntaxNode, { query }: Context): string[] {
  return nodesOf(node.toTree(), 'Identifier').map(({ from, to }) =>
    query.slice(node.from + from, node.from + to),
  );
}

function unitOfBinary(node: SyntaxNode, context: Context): Unit | undefined {
  const [left, right] = node.getChildren('Expr');
  const operator = operatorBehind(left);
  if (node.getChild('BoolModifier')) {
    return undefined;
  }
  const units = [left, right].map(side => unitOf(side, context));
  if (operator === 'Div') {
    const isShare = () => isShareOf(left, right, context);
    return quotient(units, isShare);
  }
  if (operator === 'Mul') {
    const factors = [left, right].map(side => textOf(side, context));
    return units.includes('ratio') && factors.includes('100')
      ? 'percent'
      : undefined;
  }
  if (KEEPING_LEFT.includes(operator)) {
    return units[0];
  }
  if (!JOINING.includes(operator)) {
    return undefined;
  }
  if (units.includes('timestamp') && operator !== 'Or') {
    return sumOfMoments(operator, units, [left, right].map(isNumber));
  }
  const [one, other = one] = [left, right].flatMap((side, index) =>
    isNumber(side) ? [] : [units[index]],
  );
  return one === other ? one : undefined;
}

/** Of a moment and a time: a moment; of two moments: the time between them. */
function sumOfMoments(
  operator: string,
  [left, right]: (Unit | undefined)[],
  [isLeftNumber, isRightNumber]: boolean[],
): Unit | undefined {
  const isTime = (unit: Unit | undefined, isNumeric: boolean) =>
    unit === 'seconds' || isNumeric;
  if (operator === 'Sub' && left === right) {
    return 'seconds';
  }
  if (left === 'timestamp' && isTime(right, isRightNumber)) {
    return 'timestamp';
  }
  return operator === 'Add' && isTime(left, isLeftNumber)
    ? 'timestamp'
    : undefined;
}

function quotient(
  [left, right]: (Unit | undefined)[],
  isShare: () => boolean,
): Unit | undefined {
  if (left === undefined || right === undefined || left === 'timestamp') {
    return undefined;
  }
  const [over, under] = [left, right].map(unit => unit.replace(/\/s$/, ''));
  if (left === right) {
    return over !== 'count' || isShare() ? 'ratio' : undefined;
  }
  return under === 'count' && left.endsWith('/s') === right.endsWith('/s')
    ? (over as Unit)
    : undefined;
}

/** Whether all that one side counts is some of what the other one does. */
function isShareOf(
  part: SyntaxNode,
  whole: SyntaxNode,
  context: Context,
): boolean {
  const [parts, wholes] = [part, whole].map(side => metricsIn(side, context));
  return (
    parts.length > 0 &&
    parts.every(one => wholes.some(other => isPartOf(one, other)))
  );
}

function operatorBehind(left: SyntaxNode): string {
  let node = left.nextSibling!;
  while (node.name === 'LineComment') {
    node = node.nextSibling!;
  }
  return node.name;
}

/** The last argument that is no number and no string: where a selector is. */
function argument(call: SyntaxNode): SyntaxNode | undefined {
  return call
    .getChild('FunctionCallBody')
    ?.getChildren('Expr')
    .filter(node => !isNumber(node) && node.name !== 'StringLiteral')
    .at(-1);
}

function isNumber({ name }: SyntaxNode): boolean {
  return name === 'NumberDurationLiteral';
}

function textOf({ from, to }: SyntaxNode, { query }: Context): string {
  return query.slice(from, to).toLowerCase();
}
