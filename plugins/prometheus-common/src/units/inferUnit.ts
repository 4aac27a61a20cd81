import { nodesOf, tryParse, type SyntaxNode } from '../promql/syntax';
import { type BaseUnit, toUnit, type Unit } from './Unit';

/** The unit that Prometheus' metadata has for a metric, if any. */
export type UnitOfMetric = (metric: string) => string | undefined;

/** Suffixes that say how a metric is counted, not what. */
const COUNTED = /_(?:bucket|count|created|info)$/;

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
  const top = tryParse(query).tree?.topNode.firstChild;
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
      return unitOf(node.firstChild!, context);
    case 'UnaryExpr':
      return unitOf(node.lastChild!, context);
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
  if (!selector) {
    return undefined;
  }
  if (name === 'histogram_quantile') {
    return unitOfBuckets(selector, context);
  }
  const unit = unitOf(selector, context);
  if (RATES.includes(name)) {
    return unit && !unit.endsWith('/s') ? (`${unit}/s` as Unit) : undefined;
  }
  return SAME_UNIT.test(name) ? unit : undefined;
}

/** What a histogram measures, whatever was done with its buckets' counts. */
function unitOfBuckets(node: SyntaxNode, context: Context): Unit | undefined {
  const [selector] = nodesOf(node.toTree(), 'Identifier').map(({ from, to }) =>
    context.query.slice(node.from + from, node.from + to),
  );
  const metric = selector?.replace(/_bucket$/, '');
  const told = metric && context.unitOfMetric(metric);
  return metric
    ? ((told ? toUnit(told) : undefined) ?? unitOfName(metric))
    : undefined;
}

function unitOfBinary(node: SyntaxNode, context: Context): Unit | undefined {
  const operator = node.firstChild!.nextSibling!.name;
  const [left, right] = [node.firstChild!, node.lastChild!];
  if (node.getChild('BoolModifier')) {
    return undefined;
  }
  const units = [left, right].map(side => unitOf(side, context));
  if (operator === 'Div') {
    return quotient(units);
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
  const [one, other = one] = [left, right].flatMap((side, index) =>
    isNumber(side) ? [] : [units[index]],
  );
  return one === other ? one : undefined;
}

function quotient([left, right]: (Unit | undefined)[]): Unit | undefined {
  if (left === undefined || right === undefined) {
    return undefined;
  }
  if (left === right) {
    return 'ratio';
  }
  const [over, under] = [left, right].map(unit => unit.replace(/\/s$/, ''));
  return under === 'count' && left.endsWith('/s') === right.endsWith('/s')
    ? (over as Unit)
    : undefined;
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
