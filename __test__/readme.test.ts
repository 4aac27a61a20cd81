import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

const root = path.join(__dirname, '..');

/** The README's TypeScript examples that are whole programs. */
const programs = [
  ...readFileSync(path.join(root, 'README.md'), 'utf8').matchAll(
    /```ts\n([\s\S]*?)```/g,
  ),
]
  .map(([, code]) => code)
  .filter(code => code.includes('import '));

describe('the README', () => {
  it('has an example for plugin authors, their tests and any program', () => {
    assert.equal(programs.length, 3);
  });

  for (const [index, code] of programs.entries()) {
    it(`has examples that run: ${index + 1}`, () => {
      // Inside the repository, so that the package's name resolves as it does for users.
      const folder = mkdtempSync(path.join(__dirname, 'readme-'));
      try {
        const file = path.join(folder, 'example.mts');
        writeFileSync(file, code);
        execFileSync(process.execPath, ['--import', 'tsx', file], {
          cwd: root,
          stdio: 'pipe',
          timeout: 60_000,
        });
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
