import type { App, AppPackage } from '../App';
import type { Finding } from '../Finding';
import type { SourceFile } from '../SourceFile';

const NAME = '@nativestage/metrics';

/** Whether each backend adds the metrics services. */
export function backendFeature(app: App): Promise<Finding[]> {
  return Promise.resolve(
    app.backends.flatMap(backend => {
      const imports = backend.sources.flatMap(source =>
        source.imports(NAME).map(found => ({ source, found })),
      );
      if (imports.some(({ source, found }) => addsFeature(source, found))) {
        return [];
      }
      const idle = imports.find(({ found: [statement] }) =>
        importsFeature(statement),
      );
      return [
        idle
          ? neverAdded(backend, idle.source.at(idle.found.index))
          : notAdded(app, backend),
      ];
    }),
  );
}

/** As a whole, or with the factories that an app may add singly. */
function importsFeature(statement: string): boolean {
  return (
    /^(?:import|require)\s*\(/.test(statement) ||
    /\brootMetricsServiceFactory\b/.test(statement) ||
    /^import\s+(?!type\b)\w+/.test(statement) ||
    /\bdefault\b/.test(statement)
  );
}

/** A feature that stands in a call or a list is taken to get to the backend, as is one with a name that is used. */
function addsFeature(
  { text }: SourceFile,
  { 0: statement, index }: RegExpExecArray,
): boolean {
  if (!importsFeature(statement)) {
    return false;
  }
  if (statement.startsWith('export')) {
    return true;
  }
  if (statement.startsWith('import') && !/^import\s*\(/.test(statement)) {
    const rest = text.slice(index + statement.length);
    return importedNames(statement).some(name => isUsed(name, rest));
  }
  const before = text.slice(Math.max(0, index - BEFORE), index);
  const assigned = ASSIGNED.exec(before)?.[1];
  return assigned === undefined
    ? GIVEN_AWAY.test(before)
    : isUsed(assigned, text.slice(index + statement.length));
}

/** `const metrics = await import(…)`, as far as the call. */
const ASSIGNED = /\b([\w$]+)\s*(?::[^=;{}]*)?=\s*(?:await\s+)?(?:\w+\()?$/;

/** An argument, an item of a list, a result or taken apart, and not a statement of its own. */
const GIVEN_AWAY =
  /(?:[([,:?]|=>|\}\s*=|\b(?:return|yield)\*?)\s*(?:await\s+|void\s+0\s*,\s*)*$/;

/** As much of what stands before a call as is looked at. */
const BEFORE = 200;

/** What holds the feature: the default import, and the root service's factory. */
function importedNames(statement: string): string[] {
  const [, byDefault] = /^import\s+([\w$]+)/.exec(statement) ?? [];
  const [, renamed] =
    /\b(?:default|\*|rootMetricsServiceFactory)\s+as\s+([\w$]+)/.exec(
      statement,
    ) ?? [];
  return [byDefault, renamed, 'rootMetricsServiceFactory'].filter(
    name => name !== undefined,
  );
}

function isUsed(name: string, text: string): boolean {
  return new RegExp(
    String.raw`(?<![\w$./'"-])${name.replaceAll('$', '\\$')}(?![\w$])`,
  ).test(text);
}

function neverAdded({ name }: AppPackage, file: string): Finding {
  return {
    check: 'backend-feature',
    severity: 'problem',
    message: `${name} imports ${NAME} and never adds it: its plugins' metrics are not exported.`,
    file,
    fix: `After \`createBackend()\` add the line \`backend.add(import('${NAME}'));\``,
  };
}

function notAdded(app: App, { name, directory, sources }: AppPackage): Finding {
  const index = sources.find(({ text }) => /\bcreateBackend\s*\(/.test(text));
  return {
    check: 'backend-feature',
    severity: 'problem',
    message: `${name} does not add ${NAME}: its plugins' metrics are not exported.`,
    file: index?.name ?? app.files.name(directory),
    fix: `After \`createBackend()\` add the line \`backend.add(import('${NAME}'));\``,
  };
}
