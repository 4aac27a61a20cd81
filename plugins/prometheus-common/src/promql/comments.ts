import { scan } from './scan';

/** A query without its comments; each leaves the space that it took. */
export function withoutComments(query: string): string {
  let text = '';
  let from = 0;
  for (const lexeme of scan(query)) {
    if (lexeme.kind === 'comment') {
      text +=
        query.slice(from, lexeme.from) + ' '.repeat(lexeme.to - lexeme.from);
      from = lexeme.to;
    }
  }
  return text + query.slice(from);
}

/** A query as a title: on one line, without its comments. */
export function queryTitle(query: string): string {
  const text = withoutComments(query);
  return text
    .replace(STRING_OR_SPACE, (_, string?: string) => string ?? ' ')
    .trim();
}

const STRING_OR_SPACE = /("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)|\s+/g;
