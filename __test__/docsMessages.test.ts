import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const ROOT = path.join(__dirname, '..');
const SOURCES = [
  'src',
  'ts',
  'plugins/prometheus/src',
  'plugins/prometheus-backend/src',
  'plugins/prometheus-common/src',
];
/** Shorter parts of a message, such as a word between two values, are found everywhere. */
const LEAST = 6;

/** A message stands in the source in pieces: over lines, and around what it is about. */
function withoutBreaks(text: string): string {
  return text.replace(/['"`] \+\s*['"`]|\\\n\s*/g, '').replace(/\s+/g, ' ');
}

test('what the page of troubles quotes is printed by somebody', () => {
  const page = readFileSync(path.join(ROOT, 'docs/troubleshooting.md'), 'utf8');
  const quoted = [...page.matchAll(/^> (.*)$/gm)].map(([, message]) => message);
  assert.ok(quoted.length > 10, String(quoted.length));
  const source = SOURCES.flatMap(folder =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter(file => /\.(rs|tsx?)$/.test(file) && !/test/.test(file))
      .map(file => readFileSync(path.join(ROOT, folder, file), 'utf8')),
  )
    .map(withoutBreaks)
    .join('\n');
  for (const message of quoted) {
    const parts = message
      .split('…')
      .map(part => part.replace(/^[\s:;.]+|[\s:;.]+$/g, ''))
      .filter(part => part.length >= LEAST);
    assert.ok(parts.length > 0, message);
    for (const part of parts) {
      assert.ok(source.includes(part), `${part} of ${message}`);
    }
  }
});
