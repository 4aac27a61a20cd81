import type { QueryProblem } from './QueryError';

/** A part of a PromQL text that may not be cut. */
export interface Lexeme {
  kind: 'string' | 'comment' | 'open' | 'close' | 'separator';
  from: number;
  to: number;
}

/** A stretch of text between separators. */
export interface Piece {
  from: number;
  to: number;
  /** What stands behind it; the last piece has none. */
  separator: string;
}

const CLOSING: Record<string, string> = { '(': ')', '[': ']', '{': '}' };
const NAMES: Record<string, string> = {
  '(': 'parenthesis',
  '[': 'bracket',
  '{': 'brace',
};

/** Strings and comments as the official grammar's tokens have them; a string may lack its end. */
const LEXEME =
  /"(?:[^"\\\n]|\\[^])*"?|'(?:[^'\\\n]|\\[^])*'?|`[^`]*`?|#[^\n\r]*|[()[\]{}]|[,|]/g;

/**
 * Cuts a text into what matters for its structure. Separators inside strings and comments are part
 * of those.
 */
export function* scan(text: string): Generator<Lexeme> {
  for (const { 0: lexeme, index } of text.matchAll(LEXEME)) {
    yield { kind: kindOf(lexeme), from: index, to: index + lexeme.length };
  }
}

/** Whether a string that {@link scan} found has its end. */
export function isClosed(text: string, { from, to }: Lexeme): boolean {
  const delimiter = text[from];
  const inner = text.slice(from + 1, to);
  return (delimiter === '`' ? inner : inner.replace(/\\[^]/g, '')).endsWith(
    delimiter,
  );
}

/**
 * Cuts a text at `,` and `|` where they are separators: PromQL has a `,` only inside brackets and a
 * `|` only inside strings, so one that is in neither is ours. The pieces and their separators, put
 * together, are the text.
 *
 * @returns the pieces, and what is wrong with quotes and brackets. After a problem nothing more is
 *   cut: what follows might be inside whatever was not closed.
 */
export function splitQueries(text: string): {
  pieces: Piece[];
  problem?: QueryProblem;
} {
  const pieces: Piece[] = [];
  const open: number[] = [];
  let from = 0;
  const rest = (problem?: QueryProblem) => {
    pieces.push({ from, to: text.length, separator: '' });
    return { pieces, problem };
  };
  for (const lexeme of scan(text)) {
    const offset = lexeme.from;
    if (lexeme.kind === 'string' && !isClosed(text, lexeme)) {
      return rest({ offset, message: 'the quote is not closed' });
    } else if (lexeme.kind === 'open') {
      open.push(offset);
    } else if (lexeme.kind === 'close') {
      const message = closingProblem(text[open.pop() ?? -1], text[offset]);
      if (message !== undefined) {
        return rest({ offset, message });
      }
    } else if (lexeme.kind === 'separator' && open.length === 0) {
      pieces.push({ from, to: offset, separator: text[offset] });
      from = lexeme.to;
    }
  }
  const unclosed = open.at(-1);
  return rest(
    unclosed === undefined
      ? undefined
      : {
          offset: unclosed,
          message: `the ${NAMES[text[unclosed]]} is not closed`,
        },
  );
}

function kindOf(text: string): Lexeme['kind'] {
  switch (text[0]) {
    case '"':
    case "'":
    case '`':
      return 'string';
    case '#':
      return 'comment';
    case ',':
    case '|':
      return 'separator';
    default:
      return text in CLOSING ? 'open' : 'close';
  }
}

function closingProblem(
  opened: string | undefined,
  closing: string,
): string | undefined {
  if (opened === undefined) {
    return `nothing is open that "${closing}" could close`;
  }
  return CLOSING[opened] === closing
    ? undefined
    : `the ${NAMES[opened]} before it is still open, and "${closing}" does not close it`;
}
