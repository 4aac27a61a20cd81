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

  /** The text of a file; `undefined` where there is none or it cannot be read. */
  text(file: string): string | undefined {
    try {
      return statSync(file).size <= MAX_BYTES
        ? readFileSync(file, 'utf8')
        : undefined;
    } catch (error) {
      this.remember(file, error);
      return undefined;
    }
  }

  json<T extends object>(file: string): T | undefined {
    const text = this.text(file);
    if (text === undefined) {
      return undefined;
    }
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null) {
        return value as T;
      }
      this.failures.set(this.name(file), 'no JSON object');
    } catch {
      // What the parser says repeats the text, which may hold a secret.
      this.failures.set(this.name(file), 'no valid JSON');
    }
    return undefined;
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
