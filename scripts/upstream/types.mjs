import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { format } from 'prettier';
import ts from 'typescript';

const OF_METRICS = /^(root)?metric/i;

/**
 * What the types of `@backstage/backend-plugin-api` declare about metrics, without comments and in
 * alphabetical order, and which entries export the reference: the text of `metricsTypes.txt`.
 */
export async function metricsTypesOf(folder) {
  const dist = path.join(folder, 'dist');
  const files = (await readdir(dist, { recursive: true }))
    .filter(file => file.endsWith('.d.ts'))
    .sort();
  const printer = ts.createPrinter({ removeComments: true });
  const declared = new Map();
  const entries = [];
  for (const file of files) {
    const source = await parse(path.join(dist, file));
    for (const statement of source.statements) {
      const name = declaredName(statement);
      if (name && OF_METRICS.test(name)) {
        declared.set(
          name,
          printer.printNode(ts.EmitHint.Unspecified, statement, source),
        );
      }
      if (
        ts.isExportDeclaration(statement) &&
        /\bmetricsServiceRef\b/.test(statement.getText())
      ) {
        entries.push(file);
      }
    }
  }
  if (!declared.has('MetricsService')) {
    throw new Error(`${folder} declares no MetricsService`);
  }
  const text = [...declared.keys()].sort().map(name => declared.get(name));
  return format(
    [`// metricsServiceRef: ${entries.join(', ')}`, ...text].join('\n\n'),
    { parser: 'typescript', singleQuote: true, trailingComma: 'all' },
  );
}

/** Where two texts of `metricsTypesOf` differ: the declarations, with `-` noted and `+` new ones. */
export function compareTypes(noted, newest) {
  const parts = text =>
    new Set(text.trim().split(/\n\n|\n(?=\S*(?:interface|type|const) )/));
  const [before, after] = [parts(noted), parts(newest)];
  const indent = (sign, part) => part.replace(/^/gm, `  ${sign} `);
  return [
    ...[...before]
      .filter(part => !after.has(part))
      .map(part => indent('-', part)),
    ...[...after]
      .filter(part => !before.has(part))
      .map(part => indent('+', part)),
  ];
}

/** The methods of theirs that `MetricsService` in our `index.d.ts` only inherits: nobody wrote them. */
export async function missingMethods(theirs, ourFile) {
  const theirSource = ts.createSourceFile(
    'theirs.d.ts',
    theirs,
    ts.ScriptTarget.Latest,
    true,
  );
  const ours = methodsOf(await parse(ourFile));
  return [...methodsOf(theirSource)].filter(method => !ours.has(method));
}

function methodsOf(source) {
  const service = source.statements.find(
    statement =>
      ts.isInterfaceDeclaration(statement) &&
      statement.name.text === 'MetricsService',
  );
  if (!service) {
    throw new Error(`${source.fileName} declares no MetricsService`);
  }
  return new Set(service.members.map(({ name }) => name.getText()));
}

function declaredName(statement) {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations[0].name.getText();
  }
  return statement.name?.text;
}

async function parse(file) {
  const text = await readFile(file, 'utf8');
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
}
