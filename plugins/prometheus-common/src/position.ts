/** A place in a text. */
export interface Position {
  /** In UTF-16 code units from the text's start; 0 is the first. */
  offset: number;
  /** 1 is the first. */
  line: number;
  /** In UTF-16 code units; 1 is the first of its line. */
  column: number;
}

/** How much of a long line is shown on either side of the place. */
const EXCERPT_REACH = 60;

export function locate(text: string, offset: number): Position {
  let line = 1;
  let start = 0;
  for (let at = 0; at < offset; at++) {
    if (text[at] === '\n') {
      line++;
      start = at + 1;
    }
  }
  return { offset, line, column: offset - start + 1 };
}

/** Of a text that an error repeats: what tells which it is, however long it is. */
export function clip(text: string): string {
  return text.length > EXCERPT_REACH
    ? `${text.slice(0, EXCERPT_REACH)}…`
    : text;
}

/** The line of the place, and a second line with a caret below the place. */
export function excerpt(text: string, offset: number): string {
  const from = text.lastIndexOf('\n', offset - 1) + 1;
  const newline = text.indexOf('\n', offset);
  const to = newline === -1 ? text.length : newline;
  const start = Math.max(from, offset - EXCERPT_REACH);
  const end = Math.min(to, offset + EXCERPT_REACH);
  const lead = start > from ? '…' : '';
  const tail = end < to ? '…' : '';
  // Tabs stay: the caret then stands below its place however wide they are shown.
  const indent = (lead + text.slice(start, offset)).replace(/[^\t]/g, ' ');
  const line = lead + text.slice(start, end).replace(/\r/g, ' ') + tail;
  return `  ${line}\n  ${indent}^`;
}
