import type { Problem } from './problemOf';

/**
 * The problems that several parts of a page have: one outage, however many graphs wait for it.
 *
 * @param reports - what each part has
 */
export function sharedProblems(reports: Iterable<Problem>): Problem[] {
  const counted = new Map<string, { problem: Problem; count: number }>();
  for (const problem of reports) {
    const key = keyOf(problem);
    const count = (counted.get(key)?.count ?? 0) + 1;
    counted.set(key, { problem, count });
  }
  return [...counted.values()]
    .filter(({ count }) => count > 1)
    .map(({ problem }) => problem);
}

/**
 * Tells a problem from others. The code of a connection that failed does not: the same outage has
 * several.
 */
export function keyOf({ title, detail }: Problem): string {
  return `${title}\n${detail.replace(/ \([A-Z_]+\)$/, '')}`;
}
