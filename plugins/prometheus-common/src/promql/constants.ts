import { nonFiniteName } from '../nonFinite';
import type { SyntaxNode } from './syntax';
import { toSeconds } from './windows';

const OPERATIONS: Record<string, (a: number, b: number) => number> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Mod: (a, b) => a % b,
  Pow: (a, b) => a ** b,
};

/** The finite number that a part of a query is, calculated where that takes no series. */
export function constantOf(
  query: string,
  node: SyntaxNode,
): number | undefined {
  const value = valueOf(query, node);
  return nonFiniteName(value) === undefined ? value : undefined;
}

/** The parts of a node, without comments. */
export function partsOf(node: SyntaxNode): SyntaxNode[] {
  const parts: SyntaxNode[] = [];
  for (let part = node.firstChild; part; part = part.nextSibling) {
    if (part.name !== 'LineComment') {
      parts.push(part);
    }
  }
  return parts;
}

/** NaN for what is no number. */
function valueOf(query: string, node: SyntaxNode): number {
  const parts = partsOf(node);
  switch (node.name) {
    case 'NumberDurationLiteral':
      return literalOf(query.slice(node.from, node.to));
    case 'ParenExpr':
      return parts.length === 1 ? valueOf(query, parts[0]) : NaN;
    case 'UnaryExpr': {
      const [sign, operand] = parts;
      const isMinus = query.slice(sign.from, sign.to) === '-';
      return valueOf(query, operand) * (isMinus ? -1 : 1);
    }
    case 'BinaryExpr': {
      const [left, operator, right] = parts;
      return parts.length === 3 && Object.hasOwn(OPERATIONS, operator.name)
        ? OPERATIONS[operator.name](valueOf(query, left), valueOf(query, right))
        : NaN;
    }
    default:
      return NaN;
  }
}

/** Numbers as Go writes them, with a sign, and durations, which are their seconds. */
function literalOf(text: string): number {
  const [, sign, digits] = /^([-+]?)\s*([^]*)$/.exec(text)!;
  const plain = Number(digits.replace(/_/g, '').toLowerCase());
  const value = Number.isNaN(plain) ? toSeconds(digits) : plain;
  return sign === '-' ? -value : value;
}
