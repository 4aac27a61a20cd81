import type { Path } from './attributes';

/** Texts kept for sharing, and the longest of them: about a megabyte at most. */
const KEPT = 4096;
const LONGEST = 64;

/** From this length on, V8 lets a part of a string hold on to the whole. */
const SLICED = 13;

/**
 * Makes equal values of different series one string that holds on to no other: values that come out
 * of requests are a string each, or a part of a large one, and a path keeps them.
 */
export class SharedTexts {
  private readonly texts = new Map<string, string>();

  /** Replaces the values of a path that is about to be kept. */
  share(path: Path): Path {
    for (let at = 1; at < path.length; at += 2) {
      const value = path[at];
      if (typeof value === 'string') {
        path[at] = value.length <= LONGEST ? this.one(value) : alone(value);
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
    const kept = text.length < SLICED ? text : alone(text);
    this.texts.set(kept, kept);
    return kept;
  }
}

/**
 * The same text as V8 keeps property names: once, and as no part of another. It is what a literal
 * with this text is, so that a record with that finds it by its address.
 */
function alone(text: string): string {
  names[text] = true;
  const [name] = Object.keys(names);
  delete names[text];
  return name;
}

const names = Object.create(null) as Record<string, true>;
