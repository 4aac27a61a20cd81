import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** What the tests look at of the OpenTelemetry collector's configuration. */
export interface CollectorConfig {
  receivers: {
    otlp: { protocols: Record<string, { endpoint: string }> };
  };
  processors: Record<string, unknown>;
  exporters: Record<string, unknown>;
  extensions?: Record<string, { endpoint: string }>;
  service: {
    extensions?: string[];
    pipelines: Record<string, Record<Part, string[]>>;
  };
}

type Part = (typeof PARTS)[number];
const PARTS = ['receivers', 'processors', 'exporters'] as const;

/**
 * Reads a configuration whose pipelines and extensions are defined, and which defines nothing else. The
 * collector itself is not there to ask: what a component's settings are called, nobody checks here.
 */
export function readCollectorConfig(file: string): CollectorConfig {
  const config = parse(readFileSync(file, 'utf8')) as CollectorConfig;
  const { pipelines, extensions = [] } = config.service;
  assert.ok('metrics' in pipelines, 'metrics go nowhere');
  for (const part of PARTS) {
    const used = Object.values(pipelines).flatMap(pipeline => pipeline[part]);
    assert.deepEqual(
      [...new Set(used)].sort(),
      Object.keys(config[part]).sort(),
    );
  }
  for (const { processors } of Object.values(pipelines)) {
    // Refuses while there is still memory to refuse with, so it comes before what keeps data.
    assert.equal(processors[0], 'memory_limiter');
  }
  assert.deepEqual(extensions, Object.keys(config.extensions ?? {}));
  return config;
}

/** The port of `host:port`. */
export function portOf(endpoint: string): number {
  return Number(endpoint.split(':').at(-1));
}
