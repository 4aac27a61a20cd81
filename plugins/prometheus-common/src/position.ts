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
  const before = text.slice(0, offset).split('\n');
  return {
    offset,
    line: before.length,
    column: before[before.length - 1].length + 1,
  };
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
