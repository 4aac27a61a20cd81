import type { Entity } from '@backstage/catalog-model';
import {
  AnnotationError,
  type AnnotationProblem,
} from '../annotations/AnnotationError';
import { PANELS_ANNOTATION, RULE_ANNOTATION } from '../annotations/names';
import { type PanelEntry, readPanels } from '../annotations/panels';
import {
  readRules,
  type RuleOptions,
  type RulePanel,
} from '../annotations/rules';
import type { PanelSummary } from '../api';
import { queryTitle } from '../promql/comments';
import { QueryError } from '../promql/QueryError';
import { substituteInQuery, substituteInText } from '../promql/variables';
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

/** Reads the graphs that an entity asks for in `prometheus.io/rule` and `prometheus.io/panels`. */
export function panelsOf(entity: Entity, options: PanelsOptions = {}): Panels {
  const { annotations } = entity.metadata;
  const rules = annotations?.[RULE_ANNOTATION] ?? '';
  const entries = annotations?.[PANELS_ANNOTATION] ?? '';
  const read = {
    [RULE_ANNOTATION]: readRules(rules, options),
    [PANELS_ANNOTATION]: readPanels(entries, options),
  };
  const found: NamedQuery[] = [];
  const problems: AnnotationProblem[] = [];
  for (const [annotation, text] of [
    [RULE_ANNOTATION, rules],
    [PANELS_ANNOTATION, entries],
  ] as const) {
    problems.push(...read[annotation].problems.map(each => each.toProblem()));
    for (const rule of read[annotation].panels) {
      try {
        found.push(panelOf(rule, entity, options.queries?.get(rule.query)));
      } catch (error) {
        if (!(error instanceof QueryError)) {
          throw error;
        }
        problems.push(toProblem(annotation, text, rule, error));
      }
    }
  }
  return { panels: withIds(found, options.idOf), problems };
}

function panelOf(
  {
    query: written,
    dimension,
    title,
    options,
  }: RulePanel & Partial<PanelEntry>,
  entity: Entity,
  named?: NamedQuery,
): NamedQuery {
  const query = substituteInQuery(named?.query ?? written, entity);
  return {
    ...named,
    ...options,
    title:
      title === undefined
        ? (named?.title ?? queryTitle(query))
        : substituteInText(title, entity),
    query,
    dimension: dimension ?? named?.dimension,
    unit: options?.unit ?? named?.unit ?? inferUnit(query),
  };
}

/** The place of a named query is where it is named. */
function toProblem(
  annotation: string,
  text: string,
  rule: RulePanel,
  { query, problem, offset }: QueryError,
): AnnotationProblem {
  const within = query === rule.query ? offset : 0;
  return new AnnotationError(
    annotation,
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
