/** Characters of a foreign text in a message: log lines are short, and an error's may be megabytes. */
const LONGEST = 1000;

/**
 * What a program threw or passed, as text for a message. Whatever it is, nothing is thrown from here:
 * an object may have no prototype, be a revoked proxy, or throw where it is turned into text.
 */
export function textOf(value: unknown): string {
  return (
    attempt(() => String(value)) ??
    property(value, 'message') ??
    property(value, 'name') ??
    `a value of type ${typeof value} that has no text`
  );
}

/** As {@link textOf}, but of an error its message alone. */
export function messageOf(error: unknown): string {
  return property(error, 'message') ?? textOf(error);
}

/** What kind of error it is, for an attribute: few texts, and short ones. */
export function errorType(error: unknown): string {
  return shortened(property(error, 'name') ?? '_OTHER', 64);
}

function property(value: unknown, key: 'message' | 'name') {
  return attempt(() => (value as Record<string, unknown>)[key]);
}

/** A text that can be read and says something. */
function attempt(read: () => unknown): string | undefined {
  try {
    const text = read();
    return typeof text === 'string' && text !== ''
      ? shortened(text)
      : undefined;
  } catch {
    // There may be another way to a text.
    return undefined;
  }
}

/**
 * A text for a message, cut where it is long. A copy, because V8 lets a part of a string hold on to the
 * whole.
 */
export function shortened(text: string, longest = LONGEST): string {
  return text.length > longest
    ? `${Buffer.from(text.slice(0, longest)).toString()}…`
    : text;
}
