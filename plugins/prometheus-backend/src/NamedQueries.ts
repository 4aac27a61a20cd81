import type { Config } from '@backstage/config';
import { InputError } from '@backstage/errors';
import {
  checkQuery,
  type NamedQuery,
  toUnit,
  type Unit,
} from '@nativestage/backstage-plugin-prometheus-common';

const PATH = 'prometheus.queries';
const GRAPH_TYPES = ['line', 'area'] as const;

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
  const problem = checkQuery(query);
  if (problem) {
    throw new InputError(`${path}.query: ${problem.message}`);
  }
  return {
    title: config.getOptionalString('title') ?? name,
    query,
    dimension: config.getOptionalString('dimension'),
    graphType: readGraphType(config, path),
    unit: readUnit(config, path),
  };
}

function readGraphType(config: Config, path: string): NamedQuery['graphType'] {
  const found = config.getOptionalString('graphType');
  const known = GRAPH_TYPES.find(type => type === found);
  if (found !== undefined && known === undefined) {
    throw new InputError(
      `${path}.graphType: found "${found}", expected ${GRAPH_TYPES.join(' or ')}`,
    );
  }
  return known;
}

function readUnit(config: Config, path: string): Unit | undefined {
  const found = config.getOptionalString('unit');
  const unit = found === undefined ? undefined : toUnit(found);
  if (found !== undefined && unit === undefined) {
    throw new InputError(
      `${path}.unit: found "${found}", expected a unit such as seconds, bytes, ratio or seconds/s`,
    );
  }
  return unit;
}
