import type { Entity } from '@backstage/catalog-model';
import type { Config } from '@backstage/config';
import {
  enforceMatchers,
  type LabelMatcher,
  substituteInText,
} from '@nativestage/backstage-plugin-prometheus-common';
import { Endpoint, readUrl } from './Endpoint';
import { readTraceUrl } from './traceUrl';
import { fail, readOneOf, section, type Section } from './Section';

/** Which server answers; they differ in what they understand besides Prometheus' API. */
export type Flavor = 'prometheus' | 'thanos' | 'mimir' | 'victoriametrics';

const FLAVORS: Flavor[] = ['prometheus', 'thanos', 'mimir', 'victoriametrics'];

/** Thanos' own parameters, by the key that configures them. */
const PARAMETERS = {
  dedup: 'dedup',
  partialResponse: 'partial_response',
  maxSourceResolution: 'max_source_resolution',
} as const;

const NAME = /^[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;
/** A Prometheus server of the configuration: where it is, and how to ask it. */
export class PrometheusInstance {
  /** How entities and requests name it. */
  readonly name: string;
  readonly flavor: Flavor;
  /** Of its own web page, for links. */
  readonly uiUrl?: string;
  /** Where a trace is shown: `https://traces.example/trace/{{trace_id}}`. */
  readonly traceUrl?: string;
  /** Where queries go. */
  readonly queries: Endpoint;
  /** Where rules and alerts are, such as vmalert. */
  readonly ruler: Endpoint;
  /** Where its alerts are silenced. */
  readonly alertmanager?: Endpoint;
  readonly #parameters: Record<string, string>;
  readonly #enforceLabels: Record<string, string>;

  /**
   * Reads an item of `prometheus.instances`.
   *
   * @param path - of the item, for errors
   * @throws Error that names the path of what is wrong, and no secret
   */
  static fromConfig(config: Config, path: string): PrometheusInstance {
    return new PrometheusInstance({ config, path });
  }

  private constructor(at: Section) {
    this.name = readName(at);
    this.flavor = readOneOf(at, 'flavor', FLAVORS) ?? 'prometheus';
    this.uiUrl = readUrl(at, 'uiUrl')?.href;
    this.traceUrl = readTraceUrl(at);
    const title = `Prometheus instance "${this.name}"`;
    this.queries = Endpoint.fromConfig(at, { title, product: 'Prometheus' });
    const rulesUrl = readUrl(at, 'rulesUrl');
    this.ruler = rulesUrl ? this.queries.at(rulesUrl) : this.queries;
    const alertmanager = section(at, 'alertmanager');
    this.alertmanager =
      alertmanager &&
      Endpoint.fromConfig(alertmanager, {
        title: `Alertmanager of the ${title}`,
        product: 'Alertmanager',
      });
    this.#parameters = readParameters(at);
    this.#enforceLabels = readEnforceLabels(at);
  }

  /** What every query carries beside its own parameters. */
  get parameters(): Record<string, string> {
    return this.#parameters;
  }

  /** What queries may be written in, for `parseRules`. Enforced ones have to be PromQL. */
  get language(): 'promql' | 'any' {
    return this.flavor === 'victoriametrics' && !this.isEnforcing
      ? 'any'
      : 'promql';
  }

  /** Whether queries are narrowed to some labels. */
  get isEnforcing(): boolean {
    return Object.keys(this.#enforceLabels).length > 0;
  }

  /**
   * The matchers that hold for an entity.
   *
   * @throws QueryError for an entity that lacks what they name
   */
  matchersFor(entity: Entity): LabelMatcher[] {
    return Object.entries(this.#enforceLabels).map(([label, template]) => ({
      label,
      op: '=',
      value: substituteInText(template, entity),
    }));
  }

  /**
   * The query as the entity may ask it here: with the enforced labels in every selector.
   *
   * @throws QueryError for one that cannot be enforced, and as {@link matchersFor}
   */
  enforce(query: string, entity: Entity): string {
    return this.isEnforcing
      ? enforceMatchers(query, this.matchersFor(entity))
      : query;
  }
}

function readName(at: Section): string {
  const name = at.config.getString('name');
  return NAME.test(name)
    ? name
    : fail(
        at,
        'name',
        `is "${name}"; letters, digits, and "-", "_" and "." between them make a name, 63 at the most`,
      );
}

function readParameters(at: Section): Record<string, string> {
  const parameters = section(at, 'parameters');
  const known = Object.keys(PARAMETERS);
  const unknown = parameters?.config.keys().find(key => !known.includes(key));
  if (unknown !== undefined) {
    return fail(parameters!, unknown, `is none of ${known.join(', ')}`);
  }
  return Object.fromEntries(
    Object.entries(PARAMETERS).flatMap(([key, parameter]) => {
      const value = parameters?.config.getOptional<string | number | boolean>(
        key,
      );
      return value === undefined ? [] : [[parameter, String(value)]];
    }),
  );
}

function readEnforceLabels(at: Section): Record<string, string> {
  // Not by path: the names of labels may have dots.
  const entries = Object.entries(
    at.config.getOptional<Record<string, unknown>>('enforceLabels') ?? {},
  );
  for (const [label, value] of entries) {
    if (typeof value !== 'string' || value === '') {
      return fail(
        at,
        `enforceLabels.${label}`,
        'has to be a text that is not empty: an empty one would match the series that lack the label',
      );
    }
  }
  return Object.fromEntries(entries) as Record<string, string>;
}
