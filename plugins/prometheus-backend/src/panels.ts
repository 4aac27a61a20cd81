import { createHash } from 'node:crypto';
import type { Entity } from '@backstage/catalog-model';
import {
  AnnotationError,
  type AnnotationProblem,
  inferUnit,
  type PanelSummary,
  QueryError,
  readRules,
  RULE_ANNOTATION,
  type RuleOptions,
  type RulePanel,
  substituteInQuery,
} from '@nativestage/backstage-plugin-prometheus-common';
import type { NamedQuery } from './NamedQueries';

/** The graphs of an entity, and what could not be read of them. */
export interface Panels {
  panels: PanelSummary[];
  problems: AnnotationProblem[];
}

/** Reads the graphs that an entity asks for in `prometheus.io/rule`. */
export function panelsOf(
  entity: Entity,
  queries: ReadonlyMap<string, NamedQuery>,
  options?: RuleOptions,
): Panels {
  const text = entity.metadata.annotations?.[RULE_ANNOTATION] ?? '';
  const { panels: rules, problems } = readRules(text, options);
  const found: Omit<PanelSummary, 'id'>[] = [];
  const unusable: AnnotationProblem[] = [];
  for (const rule of rules) {
    try {
      found.push(panelOf(rule, entity, queries.get(rule.query)));
    } catch (error) {
      if (!(error instanceof QueryError)) {
        throw error;
      }
      unusable.push(toProblem(text, rule, error));
    }
  }
  return {
    panels: withIds(found),
    problems: [...problems.map(problem => problem.toProblem()), ...unusable],
  };
}

function panelOf(
  { query: written, dimension }: RulePanel,
  entity: Entity,
  named?: NamedQuery,
): Omit<PanelSummary, 'id'> {
  const query = substituteInQuery(named?.query ?? written, entity);
  return {
    title: named?.title ?? query,
    query,
    dimension: dimension ?? named?.dimension,
    graphType: named?.graphType,
    unit: named?.unit ?? inferUnit(query),
  };
}

/** The place of a named query is where it is named. */
function toProblem(
  text: string,
  rule: RulePanel,
  { query, problem, offset }: QueryError,
): AnnotationProblem {
  const within = query === rule.query ? offset : 0;
  return new AnnotationError(
    RULE_ANNOTATION,
    text,
    problem,
    rule.position.offset + within,
  ).toProblem();
}

/**
 * An id says what the panel asks for: when the annotation has changed since a page was loaded, the
 * page does not draw another query under its old title.
 */
function withIds(panels: Omit<PanelSummary, 'id'>[]): PanelSummary[] {
  const seen = new Map<string, number>();
  return panels.map(panel => {
    const hash = createHash('sha256')
      .update(JSON.stringify([panel.query, panel.dimension]))
      .digest('hex')
      .slice(0, 12);
    const count = (seen.get(hash) ?? 0) + 1;
    seen.set(hash, count);
    return { id: count === 1 ? hash : `${hash}-${count}`, ...panel };
  });
}
