import { unquote } from '../promql/strings';
import { AnnotationError } from './AnnotationError';

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
 */
export function splitList(text: string, quoteAfter?: string): Item[] {
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
