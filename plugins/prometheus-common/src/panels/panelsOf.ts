import type { Entity } from '@backstage/catalog-model';
import {
  AnnotationError,
  type AnnotationProblem,
} from '../annotations/AnnotationError';
import { RULE_ANNOTATION } from '../annotations/names';
import {
  readRules,
  type RuleOptions,
  type RulePanel,
} from '../annotations/rules';
import type { PanelSummary } from '../api';
import { queryTitle } from '../promql/comments';
import { QueryError } from '../promql/QueryError';
import { substituteInQuery } from '../promql/variables';
import { inferUnit } from '../units/inferUnit';

/** A query that operators wrote, and that entities name in `prometheus.io/rule`. */
export interface NamedQuery extends Omit<PanelSummary, 'id'> {
  /** May hold `${{ entity.… }}` in the values of labels. */
  query: string;
}

/** The graphs of an entity, and what could not be read of them. */
export interface Panels {
  panels: PanelSummary[];
  problems: AnnotationProblem[];
}

export interface PanelsOptions extends RuleOptions {
  /** By the names that entities have for them. */
  queries?: ReadonlyMap<string, NamedQuery>;
  /**
   * Makes an id of what the panel asks for, so that a page whose annotation has changed meanwhile
   * does not draw another query under its old title. Defaults to the question itself.
   */
  idOf?: (question: string) => string;
}

/** Reads the graphs that an entity asks for in `prometheus.io/rule`. */
export function panelsOf(entity: Entity, options: PanelsOptions = {}): Panels {
  const text = entity.metadata.annotations?.[RULE_ANNOTATION] ?? '';
  const { panels: rules, problems } = readRules(text, options);
  const found: NamedQuery[] = [];
  const unusable: AnnotationProblem[] = [];
  for (const rule of rules) {
    try {
      found.push(panelOf(rule, entity, options.queries?.get(rule.query)));
    } catch (error) {
      if (!(error instanceof QueryError)) {
        throw error;
      }
      unusable.push(toProblem(text, rule, error));
    }
  }
  return {
    panels: withIds(found, options.idOf),
    problems: [...problems.map(problem => problem.toProblem()), ...unusable],
  };
}

function panelOf(
  { query: written, dimension }: RulePanel,
  entity: Entity,
  named?: NamedQuery,
): NamedQuery {
  const query = substituteInQuery(named?.query ?? written, entity);
  return {
    title: named?.title ?? queryTitle(query),
    query,
    dimension: dimension ?? named?.dimension,
    graphType: named?.graphType,
    unit: named?.unit ?? inferUnit(query),
    thresholds: named?.thresholds,
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

function withIds(
  panels: NamedQuery[],
  idOf = (question: string) => question,
): PanelSummary[] {
  const seen = new Map<string, number>();
  return panels.map(panel => {
    const id = idOf(JSON.stringify([panel.query, panel.dimension]));
    const count = (seen.get(id) ?? 0) + 1;
    seen.set(id, count);
    return { id: count === 1 ? id : `${id}-${count}`, ...panel };
  });
}
