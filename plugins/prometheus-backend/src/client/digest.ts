import { createHash } from 'node:crypto';

/** A text's SHA-256, as 64 letters. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
