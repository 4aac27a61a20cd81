import type { Exemplar } from '@nativestage/backstage-plugin-prometheus-common';

/** Dots of a panel: more would hide its lines. */
const MAX_EXEMPLARS = 200;

interface ExemplarAnswer {
  data?: { exemplars?: RawExemplar[] | null }[] | null;
}

interface RawExemplar {
  labels?: Record<string, string>;
  value?: string | number;
  timestamp?: number;
}

/** What Prometheus answers to `query_exemplars`: of many, the largest. */
export function toExemplars(json: unknown): Exemplar[] {
  const { data } = json as ExemplarAnswer;
  const all = (data ?? []).flatMap(({ exemplars }) =>
    (exemplars ?? []).map(({ labels = {}, value, timestamp = 0 }) => {
      const number = Number(value);
      return {
        labels,
        value: Number.isFinite(number) ? number : null,
        timestamp,
      };
    }),
  );
  return all
    .sort((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity))
    .slice(0, MAX_EXEMPLARS);
}
