import path from 'node:path';
import type { AppFiles } from './AppFiles';
import { SKIPPED, type Workspace } from './workspaces';

/** Beyond this an app is scanned in part, and the report says so. */
export const MAX_SOURCES = 20_000;

const SOURCE = /\.[cm]?[jt]sx?$/;
const NOT_RUN = /\.d\.[cm]?ts$|\.(test|spec|stories)\.[cm]?[jt]sx?$/;

/** What begins a string or a comment. */
const OPENER = /['"`]|\/[/*]/g;

/** What is not of the module that another `import` or `export` names. */
const CLAUSE = String.raw`(?:(?!\b(?:import|export)\b)[^'";])*?`;

/** In time that grows with the text: no clause is searched beyond the next keyword. */
const IMPORTED = new RegExp(
  String.raw`(?:\b(?:import|export)\b(?!\s*[(.]|\s+type\b)${CLAUSE}\bfrom\s*|\bimport\b\s*|\b(?:require|import)\b\s*\(\s*)['"]([^'"\n]+)['"]`,
  'g',
);

/** A file of the app's own code, for searches by regular expression. */
export class SourceFile {
  constructor(
    /** Absolute. */
    readonly path: string,
    /** Relative to the app's root. */
    readonly name: string,
    /** With spaces in place of comments, so that lines and offsets stay. */
    readonly text: string,
  ) {}

  /** Where each line begins. */
  private starts: number[] | undefined;

  /** As findings name a place in it. */
  at(offset: number): string {
    return `${this.name}:${this.line(offset)}`;
  }

  line(offset: number): number {
    this.starts ??= lineStarts(this.text);
    let [low, high] = [0, this.starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle] <= offset) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** What it imports, requires or re-exports by exactly one of these names, types aside. */
  imports(...modules: string[]): RegExpExecArray[] {
    const found = this.text.matchAll(IMPORTED);
    return [...found].filter(match => modules.includes(match[1]));
  }
}

export function readSource(
  files: AppFiles,
  file: string,
): SourceFile | undefined {
  const text = files.text(file);
  return text === undefined
    ? undefined
    : new SourceFile(file, files.name(file), withoutComments(text));
}

/**
 * The code of one workspace; others that lie inside are left to themselves. In the bundle of an image
 * it is in `dist`, and there is no `src`.
 */
export function readSources(
  files: AppFiles,
  { directory }: Workspace,
  others: Set<string>,
): SourceFile[] {
  const found: SourceFile[] = [];
  const bundle = path.join(directory, 'dist');
  const isBundled = files.entries(path.join(directory, 'src')).length === 0;
  const waiting = [directory];
  for (const folder of waiting) {
    for (const entry of files.entries(folder)) {
      const at = path.join(folder, entry.name);
      if (entry.isDirectory()) {
        const isCode = isWritten(entry.name) || (isBundled && at === bundle);
        if (isCode && !others.has(at)) {
          waiting.push(at);
        }
      } else if (SOURCE.test(entry.name) && !NOT_RUN.test(entry.name)) {
        found.push(...[readSource(files, at)].filter(isDefined));
      }
      if (found.length >= MAX_SOURCES) {
        return found;
      }
    }
  }
  return found;
}

function isWritten(folder: string): boolean {
  return !SKIPPED.has(folder) && !folder.startsWith('.');
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    starts.push(at + 1);
  }
  return starts;
}

/** With spaces in their place; each character is looked at once or twice, whatever is left open. */
function withoutComments(text: string): string {
  const parts: string[] = [];
  /** Until where openers of a kind are known to have no end. */
  const open = new Map<string, number>();
  let copied = 0;
  OPENER.lastIndex = 0;
  for (let match; (match = OPENER.exec(text));) {
    const [opener] = match;
    if (match.index < (open.get(opener) ?? 0)) {
      continue;
    }
    const { end, isClosed } = tokenEnd(text, opener, match.index);
    if (!isClosed) {
      // An apostrophe in a text of JSX or in a regular expression, say.
      open.set(opener, end);
      continue;
    }
    if (opener.startsWith('/')) {
      parts.push(
        text.slice(copied, match.index),
        text.slice(match.index, end).replace(/[^\n]/g, ' '),
      );
      copied = end;
    }
    OPENER.lastIndex = end;
  }
  return parts.join('') + text.slice(copied);
}

/** Where a string or comment ends, or where it is clear that it does not. */
function tokenEnd(
  text: string,
  opener: string,
  start: number,
): { end: number; isClosed: boolean } {
  if (opener === '//' || opener === '/*') {
    const close = text.indexOf(opener === '//' ? '\n' : '*/', start + 2);
    if (opener === '//') {
      return { end: close < 0 ? text.length : close, isClosed: true };
    }
    return close < 0
      ? { end: text.length, isClosed: false }
      : { end: close + 2, isClosed: true };
  }
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') {
      at++;
    } else if (text[at] === opener) {
      return { end: at + 1, isClosed: true };
    } else if (text[at] === '\n' && opener !== '`') {
      return { end: at, isClosed: false };
    }
  }
  return { end: text.length, isClosed: false };
}
