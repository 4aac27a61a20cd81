import type { Entity } from '@backstage/catalog-model';
import {
  type Config,
  ConfigReader,
  readDurationFromConfig,
} from '@backstage/config';
import { durationToMilliseconds, type JsonObject } from '@backstage/types';
import {
  DEFAULT_SCRAPE_INTERVAL,
  enforceMatchers,
  type LabelMatcher,
  substituteInText,
} from '@nativestage/backstage-plugin-prometheus-common';
import { BoundedMap } from './BoundedMap';
import { digest } from './digest';
import { Endpoint, readUrl } from './Endpoint';
import { readTraceUrl } from './traceUrl';
import { fail, section, type Section } from './Section';
import { sizeOfString } from './sizeOf';

/** Thanos' own parameters, by the key that configures them. */
const PARAMETERS = {
  dedup: 'dedup',
  partialResponse: 'partial_response',
  maxSourceResolution: 'max_source_resolution',
} as const;

const MAX_ENFORCED = 1000;
const MAX_ENFORCED_BYTES = 2 ** 22;

const NAME = /^[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;
/** A Prometheus server of the configuration: where it is, and how to ask it. */
export class PrometheusInstance {
  /** How entities and requests name it. */
  readonly name: string;
  /** Tells it from every other, one of the same name at another address included. */
  readonly key: string;
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
  /** Seconds between its scrapes, for `$__rate_interval`. */
  readonly scrapeInterval: number;
  readonly #parameters: Record<string, string>;
  readonly #enforceLabels: Record<string, string>;
  /** Queries with the labels in them, by the queries and the labels. */
  readonly #enforced = new BoundedMap<string>({
    maxEntries: MAX_ENFORCED,
    maxBytes: MAX_ENFORCED_BYTES,
  });

  /**
   * Reads an item of `prometheus.instances`.
   *
   * @param path - of the item, for errors
   * @throws Error that names the path of what is wrong, and no secret
   */
  static fromConfig(config: Config, path: string): PrometheusInstance {
    return new PrometheusInstance({ config, path });
  }

  /**
   * An instance that is not in the configuration.
   *
   * @param definition - as an item of `prometheus.instances`
   * @throws Error as {@link fromConfig} does
   */
  static computed(definition: JsonObject): PrometheusInstance {
    return new PrometheusInstance(
      { config: new ConfigReader(definition), path: 'the chosen instance' },
      digest(JSON.stringify(definition)),
    );
  }

  private constructor(at: Section, key?: string) {
    this.name = readName(at);
    this.key = key === undefined ? this.name : `${this.name} ${key}`;
    this.uiUrl = readUrl(at, 'uiUrl')?.href;
    this.traceUrl = readTraceUrl(at);
    const title = `Prometheus instance "${this.name}"`;
    this.queries = Endpoint.fromConfig(at, {
      instance: this.name,
      title,
      product: 'Prometheus',
    });
    const rulesUrl = readUrl(at, 'rulesUrl');
    this.ruler = rulesUrl ? this.queries.at(rulesUrl) : this.queries;
    const alertmanager = section(at, 'alertmanager');
    this.alertmanager =
      alertmanager &&
      Endpoint.fromConfig(alertmanager, {
        instance: this.name,
        title: `Alertmanager of the ${title}`,
        product: 'Alertmanager',
      });
    this.scrapeInterval = readScrapeInterval(at);
    this.#parameters = readParameters(at);
    this.#enforceLabels = readEnforceLabels(at);
  }

  /** What every query carries beside its own parameters. */
  get parameters(): Record<string, string> {
    return this.#parameters;
  }

  /**
   * How queries are checked before they are sent: what a server knows it says best itself, and only
   * where labels are enforced has a query to be understood here.
   */
  get language(): 'any' | 'enforced' {
    return this.isEnforcing ? 'enforced' : 'any';
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
    if (!this.isEnforcing) {
      return query;
    }
    const matchers = this.matchersFor(entity);
    const key = JSON.stringify([query, matchers]);
    // Every graph is asked for again and again, and parsing takes longer than all the rest.
    const known = this.#enforced.get(key);
    const enforced = known ?? enforceMatchers(query, matchers);
    if (known === undefined) {
      this.#enforced.set(key, enforced, sizeOfString(enforced));
    }
    return enforced;
  }
}

function readScrapeInterval(at: Section): number {
  const key = 'scrapeInterval';
  if (!at.config.has(key)) {
    return DEFAULT_SCRAPE_INTERVAL;
  }
  const duration = readDurationFromConfig(at.config, { key });
  const milliseconds = durationToMilliseconds(duration);
  return milliseconds > 0
    ? milliseconds / 1000
    : fail(at, key, `is ${milliseconds} ms, and has to be longer than nothing`);
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
