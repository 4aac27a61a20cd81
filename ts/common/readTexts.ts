import { messageOf } from './text';

/** Characters of a name, a unit or a description: an exposition repeats some of them on every line. */
const LONGEST = 4096;

/**
 * Texts that plain JavaScript may have passed anything for, and what is wrong with them. What cannot
 * be one is left out: it is no reason to lose a metric.
 */
export function readTexts<K extends string>(
  read: () => Record<K, unknown>,
): { texts: Partial<Record<K, string>>; problems: string[] } {
  const texts: Partial<Record<K, string>> = {};
  const problems: string[] = [];
  let given: [string, unknown][] = [];
  try {
    given = Object.entries(read());
  } catch (error) {
    problems.push(`the options cannot be read: ${messageOf(error)}`);
  }
  for (const [key, value] of given) {
    if (typeof value === 'string') {
      // Rust's strings have no lone surrogates.
      texts[key as K] = value.slice(0, LONGEST).toWellFormed();
      if (value.length > LONGEST) {
        problems.push(
          `the ${key} has ${value.length} characters, those after ${LONGEST} are cut off`,
        );
      }
    } else if (value !== undefined && value !== null) {
      problems.push(
        `found a ${typeof value} for the ${key}, expected text; it is left out`,
      );
    }
  }
  return { texts, problems };
}
