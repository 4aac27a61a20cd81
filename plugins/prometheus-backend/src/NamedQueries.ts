import type { Config } from '@backstage/config';
import { InputError } from '@backstage/errors';
import {
  checkStructure,
  type NamedQuery,
  readPanelOptions,
} from '@nativestage/backstage-plugin-prometheus-common';

const PATH = 'prometheus.queries';

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
    ...readPanelOptions(config.get(), (key, wrong) => {
      throw new InputError(`${path}.${key}: ${wrong}`);
    }),
  };
}
