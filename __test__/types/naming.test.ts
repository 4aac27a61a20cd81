import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';

const FILE = path.join(__dirname, 'naming.types.ts');

function diagnose(options: ts.CompilerOptions): string[] {
  const program = ts.createProgram([FILE], {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
    ...options,
  });
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ file, start, messageText }) => {
      const text = ts.flattenDiagnosticMessageText(messageText, '\n');
      const line = file?.getLineAndCharacterOfPosition(start ?? 0).line ?? -1;
      return `${file ? path.basename(file.fileName) : ''}:${line + 1} ${text}`;
    });
}

for (const [title, options] of [
  [
    'Node16',
    {
      module: ts.ModuleKind.Node16,
      moduleResolution: ts.ModuleResolutionKind.Node16,
    },
  ],
  [
    'bundler, as Backstage apps use it',
    {
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
    },
  ],
] as const) {
  test(`names without a category, and little else, do not compile (${title} resolution)`, () => {
    assert.deepEqual(diagnose(options), []);
  });
}

test('the public types are complete: they compile without skipLibCheck in our own files', () => {
  const ours = diagnose({
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    skipLibCheck: false,
    types: ['node'],
  }).filter(line => /^(naming|index|services|options|binding)\b/.test(line));
  assert.deepEqual(ours, []);
});
