import { metrics } from '@opentelemetry/api';

/** A file of OpenTelemetry's `PrometheusExporter`, wherever it is installed. */
const EXPORTER =
  /[\\/]node_modules[\\/]@opentelemetry[\\/]exporter-prometheus[\\/]/;

/** The SDK's class; bundlers number those of the same name. */
const SDK_PROVIDER = /^MeterProvider(\$\d+)?$/;

/** A handle of libuv, as Node's diagnostic report describes it. */
interface Handle {
  type: string;
  localEndpoint?: { port?: number } | null;
  remoteEndpoint?: object | null;
}

/**
 * Whether OpenTelemetry's `PrometheusExporter` of this process listens on a port: the one that Backstage's
 * tutorial makes takes 9464, and gives it back when the process ends.
 */
export function isExportersPort(port: number): boolean {
  return mayHaveExporter() && listensOn(port);
}

/** What a program imports as an ES module is in no list; the provider that it is given to is. */
function mayHaveExporter(): boolean {
  return (
    Object.keys(require.cache).some(file => EXPORTER.test(file)) ||
    SDK_PROVIDER.test(metrics.getMeterProvider().constructor.name)
  );
}

/** The report takes 20 ms. */
function listensOn(port: number): boolean {
  const report = process.report as typeof process.report & {
    excludeNetwork: boolean;
  };
  const { excludeNetwork } = report;
  // Otherwise the report looks up the name of every open socket's peer.
  report.excludeNetwork = true;
  try {
    const { libuv } = report.getReport() as { libuv: Handle[] };
    return libuv.some(
      ({ type, localEndpoint, remoteEndpoint }) =>
        type === 'tcp' && !remoteEndpoint && localEndpoint?.port === port,
    );
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}
