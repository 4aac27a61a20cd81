import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** Larger files are bundles or data, not what someone wrote. */
const MAX_BYTES = 1024 * 1024;

/** A file that is there and cannot be used. */
export interface Unreadable {
  file: string;
  reason: string;
}

/** Reads the files of an app. What cannot be read is remembered and not thrown. */
export class AppFiles {
  private readonly failures = new Map<string, string>();

  constructor(readonly root: string) {}

  get unreadable(): Unreadable[] {
    return [...this.failures].map(([file, reason]) => ({ file, reason }));
  }

  /** The text of a file; `undefined` where there is none, it is large or it cannot be read. */
  text(file: string): string | undefined {
    try {
      const stat = statSync(file);
      if (!stat.isFile()) {
        // A pipe would be waited for, and a device may have no end.
        this.fail(file, 'no ordinary file');
        return undefined;
      }
      return stat.size <= MAX_BYTES ? readFileSync(file, 'utf8') : undefined;
    } catch (error) {
      this.remember(file, error);
      return undefined;
    }
  }

  /** The map that a JSON file holds. */
  json(file: string): Record<string, unknown> | undefined {
    const text = this.text(file);
    if (text === undefined) {
      if (this.isFile(file) && !this.failures.has(this.name(file))) {
        this.fail(file, `larger than ${MAX_BYTES / 1024} KiB`);
      }
      return undefined;
    }
    try {
      // npm and Yarn read past the mark that some editors put first.
      const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
      if (isMap(value)) {
        return value;
      }
      this.fail(file, 'no JSON object');
    } catch {
      // What the parser says repeats the text, which may hold a secret.
      this.fail(file, 'no valid JSON');
    }
    return undefined;
  }

  /** Remembers why a file, or a part of it, is left out. */
  fail(file: string, reason: string): void {
    const name = this.name(file);
    const known = this.failures.get(name);
    this.failures.set(name, known ? `${known}; ${reason}` : reason);
  }

  entries(directory: string): Dirent[] {
    try {
      return readdirSync(directory, { withFileTypes: true }).sort((a, b) =>
        a.name < b.name ? -1 : 1,
      );
    } catch (error) {
      this.remember(directory, error);
      return [];
    }
  }

  isFile(file: string): boolean {
    try {
      return statSync(file).isFile();
    } catch {
      return false;
    }
  }

  /** As findings name it: relative to the root, with forward slashes. */
  name(file: string): string {
    return path.relative(this.root, file).split(path.sep).join('/') || '.';
  }

  private remember(file: string, error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') {
      this.failures.set(this.name(file), code ?? String(error));
    }
  }
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
