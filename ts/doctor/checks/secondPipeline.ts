import type { App } from '../App';
import type { Finding } from '../Finding';
import type { PageSettings } from '../PageSettings';
import type { SourceFile } from '../SourceFile';

/** OpenTelemetry's default for `PrometheusExporter`. */
const EXPORTER_PORT = 9464;

/** What makes a metrics pipeline of OpenTelemetry's JavaScript SDK. */
const PARTS: [RegExp, string][] = [
  [/\bnew\s+MeterProvider\s*\(/, 'MeterProvider'],
  [/\bnew\s+PrometheusExporter\s*\(/, 'PrometheusExporter'],
  [/\bnew\s+PeriodicExportingMetricReader\s*\(/, 'metric reader'],
  // An empty list says that there is none.
  [/\bmetricReaders?\s*:(?!\s*\[\s*\])/, 'metricReaders'],
];

const SDK = /\bnew\s+NodeSDK\s*\(/;

/** Whether an instrumentation file sets up metrics beside ours. */
export function secondPipeline(app: App): Promise<Finding[]> {
  return Promise.resolve(
    app.instrumentation.flatMap(({ source }) => {
      const parts = PARTS.map(([pattern, what]) => ({
        what,
        at: source.text.search(pattern),
      })).filter(({ at }) => at >= 0);
      if (parts.length > 0) {
        return [found(source, parts, app.page)];
      }
      const sdk = source.text.search(SDK);
      const named = /\bmetricReaders\b/.test(source.text);
      return sdk >= 0 && !named ? [byDefault(source, sdk)] : [];
    }),
  );
}

function found(
  source: SourceFile,
  parts: { what: string; at: number }[],
  page: PageSettings | undefined,
): Finding {
  const list = parts.map(({ what, at }) => `${what}, line ${source.line(at)}`);
  const port = exporterPort(source);
  const clash =
    page?.server && port === page.port
      ? ` Its PrometheusExporter and the page of @nativestage/metrics both want port ${port}: the page then takes the next free one.`
      : '';
  return {
    check: 'second-pipeline',
    severity: 'problem',
    message: `this file sets up a metrics pipeline of its own (${list.join('; ')}): whichever registers first has what is made through @opentelemetry/api, and the other has none of it.${clash}`,
    file: source.at(Math.min(...parts.map(({ at }) => at))),
    fix: 'Remove the MeterProvider, the metric readers and the metric exporters from it, and pass `metricReaders: []` to NodeSDK; traces stay as they are. @nativestage/metrics serves the page, and pushes with `backend.metrics.exporters.otlp`.',
  };
}

function byDefault(source: SourceFile, at: number): Finding {
  return {
    check: 'second-pipeline',
    severity: 'warning',
    message:
      'this file makes a NodeSDK without naming its metric readers: it makes one for OTLP then, and if it starts before @nativestage/metrics is loaded, what is made through @opentelemetry/api goes there.',
    file: source.at(at),
    fix: 'Pass `metricReaders: []` to NodeSDK; traces stay as they are.',
  };
}

/** `undefined` without an exporter, or where only running the file would tell. */
function exporterPort({ text }: SourceFile): number | undefined {
  const made = /\bnew\s+PrometheusExporter\s*\(\s*(\{[^}]*\})?/.exec(text);
  if (!made) {
    return undefined;
  }
  const [, port] = /\bport\s*:\s*([^,}\s]+)/.exec(made[1] ?? '') ?? [];
  return port === undefined ? EXPORTER_PORT : Number(port) || undefined;
}
