import type { NativeMetricsService, NativeProvider } from '../../../binding';
import { loadAddon } from '../addon';
import type { App, AppPackage } from '../App';
import type { Finding } from '../Finding';
import type { SourceFile } from '../SourceFile';

/** `.createCounter<T>('name'`; a longer type is searched no further. */
const CREATED =
  /\.\s*create(?:Observable)?(Counter|UpDownCounter|Histogram|Gauge)\s*(?:<[^()]{0,500}>)?\(\s*(['"])([^'"\n]*)\2/g;
const HAS_SERVICE = /\bmetricsServiceRef\b|\bMetricsService\b/i;
const PLUGIN_ID = /\bpluginId\s*:\s*['"]([\w-]+)['"]/;

/** `meter` or `getMeter('x')`: names of a plain meter are the author's own business. */
const METER = /meter\s*(?:\([^()]*\)\s*)?(?:[?!]\s*)?$/i;

/** As much of what stands before a call as is looked at. */
const BEFORE = 100;

/** Whether names in the app's code keep the rules, by the same code that names at run time. */
export async function metricNames(app: App): Promise<Finding[]> {
  const { binding } = await loadAddon();
  if (!binding || app.options.naming?.mode === 'passthrough') {
    return [];
  }
  const root = new binding.NativeRootMetricsService('{}', 'options');
  const provider = binding.NativeProvider.isolated();
  try {
    return app.packages.flatMap(one => {
      const service = root.forPlugin(pluginId(one), true);
      return one.sources
        .filter(({ text }) => HAS_SERVICE.test(text))
        .flatMap(source => inspect(source, provider, service));
    });
  } finally {
    await provider.shutdown();
  }
}

/** What the package says it belongs to; the id only matters for names that repeat it. */
function pluginId({ manifest, sources }: AppPackage): string {
  const inCode = sources
    .map(({ text }) => PLUGIN_ID.exec(text)?.[1])
    .find(id => id !== undefined);
  const id = manifest.backstage?.pluginId ?? inCode;
  return id !== undefined && /^[\w-]+$/.test(id) ? id : 'id';
}

function inspect(
  source: SourceFile,
  provider: NativeProvider,
  service: NativeMetricsService,
): Finding[] {
  const { text } = source;
  return [...text.matchAll(CREATED)]
    .filter(
      ({ index }) =>
        !METER.test(text.slice(Math.max(0, index - BEFORE), index)),
    )
    .flatMap(({ index, 1: kind, 3: name }) => {
      const reason =
        broken(name, provider, service) ?? misnamed(name, kind === 'Counter');
      return reason === undefined ? [] : [found(source.at(index), reason)];
    });
}

/** What the page adds by itself: `_total` to counters, and the unit. */
const TOTAL = /^(.+)([._])total$/;
const UNIT = /^(.+)[._](seconds|milliseconds|minutes|bytes|percent)$/;

/** Why a name that the service takes is still not as it should be. */
function misnamed(name: string, isCounter: boolean): string | undefined {
  const [, counted, separator] = TOTAL.exec(name) ?? [];
  if (counted !== undefined && !(isCounter && separator === '.')) {
    return isCounter
      ? `metric name ${JSON.stringify(name)}: the page has \`_total\` behind every counter; pass ${JSON.stringify(counted)}`
      : `metric name ${JSON.stringify(name)}: only counters end in \`total\`, and Prometheus takes this for one; pass ${JSON.stringify(counted)}`;
  }
  const [, measured, unit] = UNIT.exec(name) ?? [];
  return measured === undefined
    ? undefined
    : `metric name ${JSON.stringify(name)}: the page has the unit behind the name; pass ${JSON.stringify(measured)}, and ${unit} as the option \`unit\``;
}

/** Why a name is not as it should be. */
function broken(
  name: string,
  provider: NativeProvider,
  service: NativeMetricsService,
): string | undefined {
  const request = JSON.stringify({ name, kind: 'counter' });
  try {
    return service.register(provider, request, true).notice;
  } catch (error) {
    return (error as Error).message;
  }
}

function found(file: string, reason: string): Finding {
  return {
    check: 'metric-names',
    severity: 'warning',
    message: `${reason}.`,
    file,
    fix: "Pass the name that the message gives: `{category}.{metric_name}`, such as 'orders.placed'. A service from forPlugin() throws on names like this one.",
  };
}
