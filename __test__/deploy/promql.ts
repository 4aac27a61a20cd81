import assert from 'node:assert/strict';
import type { Prometheus } from '../support/Prometheus';

/** What the tests look at of Prometheus' syntax tree. */
export interface Node {
  type: string;
  name?: string;
  matchers?: Matcher[];
  grouping?: string[];
  matching?: { labels: string[]; include: string[] } | null;
  func?: { name: string };
  val?: string;
  expr?: Node;
  param?: Node;
  lhs?: Node;
  rhs?: Node;
  args?: Node[];
}

export interface Matcher {
  name: string;
  type: '=' | '!=' | '=~' | '!~';
  value: string;
}

/** The syntax tree of an expression; its error is the test's. */
export async function parse(
  prometheus: Prometheus,
  expression: string,
): Promise<Node> {
  const tree = await prometheus.parse(expression);
  assert.ok(tree, `not understood: ${expression}`);
  return tree as Node;
}

export function children({ expr, param, lhs, rhs, args }: Node): Node[] {
  return [expr, param, lhs, rhs, ...(args ?? [])].filter(node => !!node);
}

/** The node and all below it. */
export function nodes(node: Node): Node[] {
  return [node, ...children(node).flatMap(nodes)];
}

export function selectors(node: Node): Matcher[][] {
  return nodes(node)
    .filter(({ type }) => /^(vector|matrix)Selector$/.test(type))
    .map(({ matchers }) => matchers!);
}

/** The labels that aggregations and matchings name, and where: what they are applied to. */
export function namedLabels(node: Node): { label: string; operands: Node[] }[] {
  return nodes(node).flatMap(parent => {
    const { grouping = [], matching, expr, lhs, rhs } = parent;
    const names = [
      ...grouping,
      ...(matching?.labels ?? []),
      ...(matching?.include ?? []),
    ];
    const operands = [expr, lhs, rhs].filter(operand => !!operand);
    return names.map(label => ({ label, operands }));
  });
}

/** The labels that `label_replace` makes. */
export function madeLabels(node: Node): string[] {
  return nodes(node)
    .filter(({ func }) => func?.name === 'label_replace')
    .map(({ args }) => args![1].val!);
}

export function written(matchers: Matcher[]): string {
  const list = matchers.map(
    ({ name, type, value }) => `${name}${type}${JSON.stringify(value)}`,
  );
  return `{${list.join(', ')}}`;
}
