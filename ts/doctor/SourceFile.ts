import path from 'node:path';
import type { AppFiles } from './AppFiles';
import { SKIPPED, type Workspace } from './workspaces';

/** Beyond this an app is scanned in part, and the report says so. */
export const MAX_SOURCES = 20_000;

const SOURCE = /\.[cm]?[jt]sx?$/;
const NOT_RUN = /\.d\.[cm]?ts$|\.(test|spec|stories)\.[cm]?[jt]sx?$/;

const STRING_OR_COMMENT =
  /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

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

  /** As findings name a place in it. */
  at(offset: number): string {
    return `${this.name}:${this.line(offset)}`;
  }

  line(offset: number): number {
    return this.text.slice(0, offset).split('\n').length;
  }

  /** What it imports, requires or re-exports by exactly one of these names, types aside. */
  imports(...modules: string[]): RegExpExecArray[] {
    const found = this.text.matchAll(
      /(?:\bimport\s+(?!type\b)(?:[^'";]*?\bfrom\s*)?|\bexport\s+(?!type\b)[^'";]*?\bfrom\s*|\brequire\s*\(\s*|\bimport\s*\(\s*)['"]([^'"\n]+)['"]/g,
    );
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

/** The code of one workspace; others that lie inside are left to themselves. */
export function readSources(
  files: AppFiles,
  { directory }: Workspace,
  others: Set<string>,
): SourceFile[] {
  const found: SourceFile[] = [];
  const waiting = [directory];
  for (const folder of waiting) {
    for (const entry of files.entries(folder)) {
      const at = path.join(folder, entry.name);
      if (entry.isDirectory()) {
        if (isWritten(entry.name) && !others.has(at)) {
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

function withoutComments(text: string): string {
  return text.replace(STRING_OR_COMMENT, token =>
    token.startsWith('/') ? token.replace(/[^\n]/g, ' ') : token,
  );
}
