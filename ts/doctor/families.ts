import { loadAddon } from './addon';
import type { App } from './App';

/** Scopes whose names are conventions: OpenTelemetry's instrumentations and this package. */
const CONVENTIONAL_SCOPE = /^(@opentelemetry\/|@nativestage\/metrics$)/;

/** What processes, runtimes and OpenTelemetry's semantic conventions call their metrics. */
const CONVENTIONAL_NAME =
  /^(target_info|otel_|nativestage_|process_|nodejs_|v8js_|system_|http_|db_|rpc_|dns_|messaging_|gen_ai_|mcp_|faas_|feature_flag_)/;

/** The metric families of a page that neither the naming rules nor a convention account for. */
export async function familiesOutsideOfRules(
  { options }: App,
  text: string,
): Promise<string[]> {
  const { binding } = await loadAddon();
  const given: unknown = options.serviceName;
  const serviceName = typeof given === 'string' ? given : 'backstage';
  const renames = binding?.NativeRootMetricsService.renames(serviceName) ?? [];
  const legacy = new Set(renames.map(({ old }) => bare(onPage(old))));
  const prefix = `${onPage(serviceName)}_`;
  return [...scopes(text)]
    .filter(
      ([name, scope]) =>
        !name.startsWith(prefix) &&
        !legacy.has(bare(name)) &&
        !CONVENTIONAL_NAME.test(name) &&
        !CONVENTIONAL_SCOPE.test(scope),
    )
    .map(([name]) => name);
}

/** Every family of a page in Prometheus' text format, with the scope of its first series. */
function scopes(text: string): Map<string, string> {
  const found = new Map<string, string>();
  let family: string | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('# TYPE ')) {
      family = line.split(' ')[2];
      found.set(family, '');
    } else if (family !== undefined && !line.startsWith('#')) {
      const [, scope] = /\botel_scope_name="([^"]*)"/.exec(line) ?? [];
      found.set(family, found.get(family) || (scope ?? ''));
    }
  }
  return found;
}

/** Old names are on the page with a suffix, and those of Backstage's Prometheus client with a unit too. */
function bare(name: string): string {
  return name.replace(/_(total|seconds)$/, '');
}

function onPage(name: string): string {
  return name.replace(/\W/g, '_');
}
