import type { Rule, RuleGroup } from './RuleGroup';

/** Evaluations that a busy server may leave out. */
const MISSED = 5;

/**
 * Seconds that pass all the same: the clocks of a ruler and of what answers for it differ, and answers
 * are kept for some time on their way.
 */
const SLACK = 60;

/**
 * The time that a server has, in seconds since 1970: when its answer was made, if that is known, and
 * not before it evaluated a rule. The clock of whoever asks has no part in it.
 */
export function serverTimeOf(
  groups: RuleGroup[],
  answered = -Infinity,
): number {
  let newest = answered;
  for (const rule of groups.flatMap(({ rules }) => rules)) {
    newest = Math.max(newest, evaluated(rule) ?? -Infinity);
  }
  return newest;
}

/**
 * Whether a rule should have been evaluated many times since it was. What it said then may be wrong
 * by now.
 *
 * @param now - the server's time
 */
export function isStalled(
  rule: Rule,
  { interval }: RuleGroup,
  now: number,
): boolean {
  const last = evaluated(rule);
  return (
    interval !== undefined &&
    last !== undefined &&
    now - last > MISSED * interval + SLACK
  );
}

/** Seconds since 1970, if the server says when. */
function evaluated({ lastEvaluation = '' }: Rule): number | undefined {
  const time = Date.parse(lastEvaluation);
  return Number.isNaN(time) ? undefined : time / 1000;
}
