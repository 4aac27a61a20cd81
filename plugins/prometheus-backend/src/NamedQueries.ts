import type { Config } from '@backstage/config';
import { InputError } from '@backstage/errors';
import {
  checkStructure,
  type NamedQuery,
  type Threshold,
  toUnit,
  type Unit,
} from '@nativestage/backstage-plugin-prometheus-common';

const PATH = 'prometheus.queries';
const GRAPH_TYPES = ['line', 'area', 'stacked'] as const;
const SEVERITIES = ['warning', 'critical'] as const;

/**
 * Reads `prometheus.queries`.
 *
 * @throws InputError naming the path, what was found and what is allowed
 */
export function readNamedQueries(config: Config): Map<string, NamedQuery> {
  const queries = config.getOptionalConfig(PATH);
  const names = queries?.keys() ?? [];
  return new Map(
    names.map(name => [
      name,
      readQuery(queries!.getConfig(name), `${PATH}.${name}`, name),
    ]),
  );
}

function readQuery(config: Config, path: string, name: string): NamedQuery {
  const query = config.getString('query');
  // Which server is asked the entity says; what it understands it judges itself.
  const problem = checkStructure(query);
  if (problem) {
    throw new InputError(`${path}.query: ${problem.message}`);
  }
  return {
    title: config.getOptionalString('title') ?? name,
    query,
    dimension: config.getOptionalString('dimension'),
    graphType: readOneOf(config, 'graphType', path, GRAPH_TYPES),
    unit: readUnit(config, path),
    thresholds: config
      .getOptionalConfigArray('thresholds')
      ?.map((threshold, index) =>
        readThreshold(threshold, `${path}.thresholds[${index}]`),
      ),
  };
}

function readThreshold(config: Config, path: string): Threshold {
  return {
    value: config.getNumber('value'),
    label: config.getOptionalString('label'),
    severity: readOneOf(config, 'severity', path, SEVERITIES),
  };
}

function readOneOf<T extends string>(
  config: Config,
  key: string,
  path: string,
  allowed: readonly T[],
): T | undefined {
  const found = config.getOptionalString(key);
  const known = allowed.find(one => one === found);
  if (found !== undefined && known === undefined) {
    throw new InputError(
      `${path}.${key}: found "${found}", expected one of ${allowed.join(', ')}`,
    );
  }
  return known;
}

function readUnit(config: Config, path: string): Unit | undefined {
  const found = config.getOptionalString('unit');
  const unit = found === undefined ? undefined : toUnit(found);
  if (found !== undefined && unit === undefined) {
    throw new InputError(
      `${path}.unit: found "${found}", expected a unit such as seconds, bytes, ratio, timestamp or seconds/s`,
    );
  }
  return unit;
}
