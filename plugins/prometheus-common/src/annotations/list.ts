import { unquote } from '../promql/strings';
import { AnnotationError, lengthProblem } from './AnnotationError';

/** Names or labels in one annotation. */
const MAX_ITEMS = 1000;

/** An item of a list with commas, without the space around it. */
export interface Item {
  text: string;
  offset: number;
}

/**
 * Cuts a text at its commas, except at those in double quotes; empty items are left out. A quote
 * in the middle of a word is a letter like others.
 *
 * @param quoteAfter - what may stand before an opening quote besides the item's start
 * @throws AnnotationError for a text that is too long, and for too many items
 */
export function splitList(
  annotation: string,
  text: string,
  quoteAfter?: string,
): Item[] {
  const tooLong = lengthProblem(annotation, text);
  if (tooLong) {
    throw tooLong;
  }
  const items: Item[] = [];
  let from = 0;
  while (from < text.length) {
    const to = endOfItem(text, from, quoteAfter);
    const part = text.slice(from, to);
    if (part.trim() !== '') {
      items.push({
        text: part.trim(),
        offset: from + part.length - part.trimStart().length,
      });
    }
    from = to + 1;
  }
  if (items.length > MAX_ITEMS) {
    throw new AnnotationError(
      annotation,
      text,
      `there are ${items.length} items, and ${MAX_ITEMS} are the most`,
      items[MAX_ITEMS].offset,
    );
  }
  return items;
}

/** What an item or a value says: quotes and escapes are PromQL's. */
export function readQuoted(
  annotation: string,
  text: string,
  item: Item,
): string {
  if (!item.text.startsWith('"')) {
    return item.text;
  }
  const value = unquote(item.text);
  if (value === undefined) {
    throw new AnnotationError(
      annotation,
      text,
      'the quote is not closed, more follows it, or it has an escape that PromQL does not know',
      item.offset,
    );
  }
  return value;
}

function endOfItem(text: string, from: number, quoteAfter?: string): number {
  let mayQuote = true;
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (character === ',') {
      return at;
    } else if (character === '"' && mayQuote) {
      at = endOfQuote(text, at);
      mayQuote = false;
    } else if (character.trim() !== '') {
      mayQuote = character === quoteAfter;
    }
  }
  return text.length;
}

function endOfQuote(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') {
      at++;
    } else if (text[at] === '"') {
      return at;
    }
  }
  return text.length;
}
