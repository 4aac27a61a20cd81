import type { Entity } from '@backstage/catalog-model';
import {
  type NamedQuery,
  type Panels,
  panelsOf,
  type RuleOptions,
} from '@nativestage/backstage-plugin-prometheus-common';
import { BoundedMap, digest, sizeOf } from './client';

const MAX_ENTRIES = 1000;
const MAX_BYTES = 8 * 2 ** 20;

/** Reads the graphs that entities ask for, each once until it changes: every graph is a request. */
export class PanelReader {
  private readonly kept = new BoundedMap<Panels>({
    maxEntries: MAX_ENTRIES,
    maxBytes: MAX_BYTES,
  });

  constructor(private readonly queries: ReadonlyMap<string, NamedQuery>) {}

  /** The ids of the graphs are short enough for a path. Nobody may change what is returned. */
  read(entity: Entity, { language }: RuleOptions): Panels {
    // Variables may name nearly everything of it.
    const { kind, metadata, spec } = entity;
    const key = digest(JSON.stringify([language, kind, metadata, spec]));
    const known = this.kept.get(key);
    if (known) {
      return known;
    }
    const panels = panelsOf(entity, {
      language,
      queries: this.queries,
      idOf: question => digest(question).slice(0, 12),
    });
    this.kept.set(key, panels, sizeOf(panels));
    return panels;
  }
}
