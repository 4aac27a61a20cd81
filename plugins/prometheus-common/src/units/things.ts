// What counters count, by their names: a quotient of two is a share only if the upper one counts some
// of what the lower one counts.

/** How a metric is counted, not what. */
const SUFFIX = /_(?:total|count|bucket|sum)$/;

/** Words for how things went: things that went so are some of all things. */
const OUTCOME =
  /^(?:err|error|errored|fail|failed|failure|fault|exception|hit|miss|misse|missed|timeout|success|successful|succeeded|reject|rejected|rejection|drop|dropped|abort|aborted|cancel|cancelled|canceled|denied|refused|invalid|expired|throttled|retried|slow|bad|good|ok)$/;

/** Whether what one metric counts is some of what the other counts. */
export function isPartOf(part: string, whole: string): boolean {
  const some = wordsOf(part);
  const all = wordsOf(whole);
  const things = some.filter(word => !OUTCOME.test(word));
  const isSame = some.join('_') === all.join('_');
  if (isSame || things.length === some.length) {
    return isSame;
  }
  // `shop_errors_total` counts requests to the shop, as `shop_requests_total` does. Hits for each miss
  // are no share of anything.
  return (
    !all.some(word => OUTCOME.test(word)) &&
    things.every(word => all.includes(word))
  );
}

function wordsOf(metric: string): string[] {
  return metric
    .replace(SUFFIX, '')
    .toLowerCase()
    .split(/[_:.]/)
    .filter(Boolean)
    .map(singular);
}

function singular(word: string): string {
  if (/[^aeiou]ies$/.test(word)) {
    return `${word.slice(0, -3)}y`;
  }
  return word.length > 3 && word.endsWith('s') && !word.endsWith('ss')
    ? word.slice(0, -1)
    : word;
}
