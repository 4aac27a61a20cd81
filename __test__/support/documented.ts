import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { JsonObject } from '@backstage/types';
import { parse } from 'yaml';

const FILE = path.join(__dirname, '../fixtures/prometheus/documented.md');

/** A block of code of the document that the Prometheus plugins are written to. */
export interface Block {
  language: string;
  code: string;
}

const blocks = new Map(
  [
    ...readFileSync(FILE, 'utf8').matchAll(
      /^## (.+)\n\n```(\w+)\n([^]*?)^```$/gm,
    ),
  ].map(([, title, language, code]): [string, Block] => [
    title,
    { language, code },
  ]),
);

/** The titles of all blocks. */
export const TITLES = [...blocks.keys()];

export function block(title: string): Block {
  const found = blocks.get(title);
  if (!found) {
    throw new Error(`The document has no "${title}"`);
  }
  return found;
}

/** What a block of YAML says. */
export function yamlOf(title: string): JsonObject {
  return parse(block(title).code) as JsonObject;
}

/**
 * The module that a block of TypeScript stands for: without the lines by which the document leaves
 * things out, with what an app's own file has besides, and with its last expression exported.
 */
export function moduleOf(title: string): string {
  const code = block(title).code.replace(/^\s*\.\.\.$/gm, '');
  const [element] = /^<[^]*/m.exec(code) ?? [];
  const [declared] = /(?<=^const )\w+/m.exec(code) ?? [];
  if (element !== undefined) {
    const imports = code.slice(0, -element.length);
    return `${imports}\nexport const element = (\n${element});\n`;
  }
  return declared === undefined
    ? code
    : `import { Grid } from '@material-ui/core';\nimport { EntityLayout } from '@backstage/plugin-catalog';\n${code}\nexport { ${declared} as element };\nvoid Grid;\nvoid EntityLayout;\n`;
}

/** A folder of the repository, where packages are found. It ends with the test. */
export function temporaryFolder(
  t: Pick<TestContext, 'after'>,
  files: Record<string, string>,
): string {
  const folder = mkdtempSync(path.join(__dirname, '../docs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(path.join(folder, name), text);
  }
  return folder;
}
