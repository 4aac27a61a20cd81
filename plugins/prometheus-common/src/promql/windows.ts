import { formatValue } from '../units/formatValue';
import { usesIntervals } from './intervals';
import { nodesOf, type SyntaxNode, tryParse } from './syntax';

/** Seconds. */
const UNITS: Record<string, number> = {
  y: 365 * 86_400,
  w: 7 * 86_400,
  d: 86_400,
  h: 3600,
  m: 60,
  s: 1,
  ms: 0.001,
};

const DURATION = /^(?:\d+(?:ms|[ywdhms]))+$/;

/** What selects over a time: `x[5m]`, and `(…)[1h:5m]`. */
const RANGES = ['MatrixSelector', 'SubqueryExpr'];

/**
 * How far a query looks back from each point, where that is less than the step: what lies between is
 * never looked at. Of several the shortest, as it is written; selectors without a range are none.
 *
 * @param query - with its intervals filled in
 * @param step - seconds
 */
export function narrowWindow(query: string, step: number): string | undefined {
  const { tree } = tryParse(query);
  if (!tree || usesIntervals(query)) {
    return undefined;
  }
  const windows = nodesOf(tree, 'VectorSelector').flatMap(selector =>
    widestAround(selector, query),
  );
  const [shortest] = windows.sort((a, b) => a.seconds - b.seconds);
  return shortest && shortest.seconds < step ? shortest.text : undefined;
}

interface Window {
  text: string;
  seconds: number;
}

/** The longest range around a selector, if there is one whose length is known. */
function widestAround(selector: SyntaxNode, query: string): Window[] {
  const found: Window[] = [];
  for (let node = selector.parent; node; node = node.parent) {
    if (RANGES.includes(node.name)) {
      const [range] = node.getChildren('DurationExpr');
      const text = range ? query.slice(range.from, range.to) : '';
      found.push({ text, seconds: toSeconds(text) });
    }
  }
  return found.sort((a, b) => b.seconds - a.seconds).slice(0, 1);
}

/** Infinity for what is no plain duration, such as a calculation. */
export function toSeconds(text: string): number {
  if (/^\d+(?:\.\d+)?$/.test(text)) {
    return Number(text);
  }
  return DURATION.test(text)
    ? [...text.matchAll(/(\d+)(ms|[ywdhms])/g)].reduce(
        (sum, [, count, unit]) => sum + Number(count) * UNITS[unit],
        0,
      )
    : Infinity;
}

/** A note on a query that looks back less far than its step, for whoever sees its graph. */
export function infosOfWindow(query: string, step: number): string[] {
  const window = narrowWindow(query, step);
  return window === undefined
    ? []
    : [
        `Each point looks back ${window}, and points are ${formatValue(step, 'seconds')} apart: what lies between is not looked at. [$__rate_interval] in place of [${window}] looks at all of it.`,
      ];
}
