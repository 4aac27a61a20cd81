// PromQL's string literals are Go's: "…" and '…' with escapes, `…` without.

const HEX = '[0-9a-fA-F]';
const SURROGATE = '[dD][89a-fA-F]';
const ESCAPE = `x[0-7]${HEX}|[01][0-7]{2}|u(?!${SURROGATE})${HEX}{4}|U000(?!0${SURROGATE})${HEX}{5}`;

/** A whole literal that Prometheus' lexer accepts too, escape by escape. */
const STRICT = new RegExp(
  String.raw`^(?:${quoted('"')}|${quoted("'")}|` + '`[^`]*`)$',
);

function quoted(delimiter: string): string {
  return String.raw`${delimiter}(?:[^${delimiter}\\\n]|\\(?:[abfnrtv\\${delimiter}]|${ESCAPE}))*${delimiter}`;
}

const NAMED: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** What a literal of each kind cannot hold as it is. */
const UNSAFE = /[\\"'\p{Cc}\p{Cs}\u2028\u2029\ufffd]/gu;

/**
 * Whether this is one complete string literal. Stricter than the official grammar, which takes
 * any escape and a missing quote at the end; bytes from 0x80 (`\x80`, `\200`) are refused because
 * they need not be UTF-8.
 */
export function isStringLiteral(literal: string): boolean {
  return STRICT.test(literal);
}

/** A literal in double quotes. Half surrogate pairs become U+FFFD, as UTF-8 has none. */
export function quote(value: string): string {
  return `"${escape(value, '"')}"`;
}

/** As it stands inside a literal of that kind. Only `"` and `'` have escapes. */
export function escape(value: string, delimiter: '"' | "'"): string {
  return value.replace(UNSAFE, character => {
    switch (character) {
      case '\\':
        return '\\\\';
      case '\n':
        return '\\n';
      case '"':
      case "'":
        return character === delimiter ? `\\${character}` : character;
      default: {
        const code = character.charCodeAt(0);
        const valid = code >= 0xd800 && code <= 0xdfff ? 0xfffd : code;
        return `\\u${valid.toString(16).padStart(4, '0')}`;
      }
    }
  });
}

/** What a literal says, or `undefined` if {@link isStringLiteral} says no. */
export function unquote(literal: string): string | undefined {
  if (!isStringLiteral(literal)) {
    return undefined;
  }
  const inner = literal.slice(1, -1);
  if (literal.startsWith('`')) {
    return inner;
  }
  return inner.replace(
    /\\(?:([abfnrtv\\"'])|x(..)|([0-7]{3})|u(.{4})|U(.{8}))/g,
    (
      _,
      named?: string,
      hex?: string,
      octal?: string,
      short?: string,
      long?: string,
    ) => {
      if (named !== undefined) {
        return NAMED[named] ?? named;
      }
      if (octal !== undefined) {
        return String.fromCodePoint(parseInt(octal, 8));
      }
      return String.fromCodePoint(parseInt(hex ?? short ?? long ?? '', 16));
    },
  );
}
