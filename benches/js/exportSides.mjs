// The rivals with their exporters: each gives a provider, whose meters are OpenTelemetry's.
import { createRequire } from 'node:module';
import { createNoopMeter } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import {
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';

const require = createRequire(import.meta.url);
/** Ours is loaded for our side only: unconfigured, it would open its page in the others as well. */
function ourProvider(options) {
  const { configure, getMeterProvider } = require('../../dist/sdk.js');
  configure(options);
  return getMeterProvider();
}

/** Longer than any benchmark: exports happen when they are asked for. */
const NEVER = 3_600_000;

/**
 * Push over OTLP, http/protobuf, cumulative, not compressed.
 *
 * @param limit - Series of one instrument.
 */
export const pushing = {
  ours: ({ url, limit, interval = NEVER }) =>
    ourProvider({
      cardinalityLimit: limit,
      exporters: {
        prometheus: false,
        otlp: { endpoint: url, interval, timeout: interval },
      },
    }),
  'JS SDK': ({ url, limit, interval = NEVER }) =>
    new MeterProvider({
      readers: [
        new PeriodicExportingMetricReader({
          exporter: new OTLPMetricExporter({
            url: `${url}/v1/metrics`,
            timeoutMillis: interval,
          }),
          exportIntervalMillis: interval,
          exportTimeoutMillis: interval,
          cardinalityLimits: { default: limit },
        }),
      ],
    }),
  /** A program whose instruments nobody provides. */
  none: () => ({
    getMeter: createNoopMeter,
    async forceFlush() {},
    async shutdown() {},
  }),
};

/** A page for Prometheus, from each side's own server. */
export const scraped = {
  ours: ({ port, limit }) =>
    ourProvider({
      cardinalityLimit: limit,
      exporters: { prometheus: { port } },
    }),
  'JS SDK': ({ port, limit }) =>
    new MeterProvider({
      readers: [new PrometheusExporter({ port, host: '127.0.0.1' })],
      views: [{ instrumentName: '*', aggregationCardinalityLimit: limit }],
    }),
};
