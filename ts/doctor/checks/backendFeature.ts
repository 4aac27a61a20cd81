import type { App, AppPackage } from '../App';
import type { Finding } from '../Finding';
import type { SourceFile } from '../SourceFile';

const NAME = '@nativestage/metrics';

/** Whether each backend adds the metrics services. */
export function backendFeature(app: App): Promise<Finding[]> {
  return Promise.resolve(
    app.backends
      .filter(({ sources }) => !sources.some(addsFeature))
      .map(backend => notAdded(app, backend)),
  );
}

/** As a whole, or with the factories that an app may add singly. */
function addsFeature(source: SourceFile): boolean {
  return source
    .imports(NAME)
    .some(
      ([statement]) =>
        /^import\s*\(/.test(statement) ||
        /\brootMetricsServiceFactory\b/.test(statement) ||
        /^import\s+\w+/.test(statement) ||
        /\bdefault\s+as\b/.test(statement) ||
        /^require/.test(statement),
    );
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
