import type { Entity } from '@backstage/catalog-model';
import { useEntity } from '@backstage/plugin-catalog-react';
import {
  QueryError,
  substituteInQuery,
} from '@nativestage/backstage-plugin-prometheus-common';
import {
  PrometheusGraph,
  type PrometheusGraphProps,
} from '../graph/PrometheusGraph';
import { ContentCard } from '../state/ContentCard';
import { Empty } from '../state/StateMessage';

/**
 * The graph of a query with variables of the entity on whose page it is. An app has one card for all
 * of its entities, and some of them lack what the query names.
 */
export function TemplatedGraph({ query, ...graph }: PrometheusGraphProps) {
  const { entity } = useEntity();
  const filled = fill(query, entity);
  return filled instanceof QueryError ? (
    <ContentCard title={graph.title ?? 'Prometheus'}>
      <Empty
        title="This graph does not fit the entity"
        detail={filled.message}
        isCode
      />
    </ContentCard>
  ) : (
    <PrometheusGraph {...graph} query={filled} />
  );
}

function fill(query: string, entity: Entity): string | QueryError {
  try {
    return substituteInQuery(query, entity);
  } catch (error) {
    if (error instanceof QueryError) {
      return error;
    }
    throw error;
  }
}
