import type { Path } from './attributes';

/** Texts kept for sharing, and the longest of them: at most half a megabyte. */
const KEPT = 4096;
const LONGEST = 64;

/**
 * Makes equal values of different series one string: values that come out of requests are a string
 * each, and a path holds on to its own.
 */
export class SharedTexts {
  private readonly texts = new Map<string, string>();

  /** Replaces the values of a path that is about to be kept. */
  share(path: Path): Path {
    for (let at = 1; at < path.length; at += 2) {
      const value = path[at];
      if (typeof value === 'string' && value.length <= LONGEST) {
        path[at] = this.one(value);
      }
    }
    return path;
  }

  private one(text: string): string {
    const known = this.texts.get(text);
    if (known !== undefined) {
      return known;
    }
    if (this.texts.size === KEPT) {
      // Texts in use are soon here again; an attacker's are not.
      this.texts.clear();
    }
    this.texts.set(text, text);
    return text;
  }
}
