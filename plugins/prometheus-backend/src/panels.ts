import { createHash } from 'node:crypto';
import type { Entity } from '@backstage/catalog-model';
import {
  type NamedQuery,
  type Panels,
  panelsOf as commonPanelsOf,
  type RuleOptions,
} from '@nativestage/backstage-plugin-prometheus-common';

/** Reads the graphs that an entity asks for; their ids are short enough for a path. */
export function panelsOf(
  entity: Entity,
  queries: ReadonlyMap<string, NamedQuery>,
  options?: RuleOptions,
): Panels {
  return commonPanelsOf(entity, { ...options, queries, idOf: hash });
}

function hash(question: string): string {
  return createHash('sha256').update(question).digest('hex').slice(0, 12);
}
