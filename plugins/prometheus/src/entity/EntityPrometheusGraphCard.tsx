import Grid from '@material-ui/core/Grid';
import {
  MissingAnnotationEmptyState,
  useEntity,
} from '@backstage/plugin-catalog-react';
import {
  type PanelSummary,
  RULE_ANNOTATION,
} from '@nativestage/backstage-plugin-prometheus-common';
import {
  GraphCard,
  PrometheusGraph,
  type PrometheusGraphProps,
} from '../graph/PrometheusGraph';
import { useNow } from '../range/useNow';
import { ContentCard } from '../state/ContentCard';
import { Failure } from '../state/Failure';
import { Loading } from '../state/StateMessage';
import { EntityOf } from './EntityOf';
import { hasGraphs } from './isPrometheusAvailable';
import { PanelProblems } from './PanelProblems';
import { TemplatedGraph } from './TemplatedGraph';
import { titleOf } from './titleOf';
import { usePanelExemplars } from './usePanelExemplars';
import { usePanelQuery } from './usePanelQuery';
import { usePanels } from './usePanels';

export interface EntityPrometheusGraphCardProps extends Omit<
  PrometheusGraphProps,
  'query' | 'instance'
> {
  /** PromQL in place of the annotation's; it takes the permission `prometheus.query.custom`. */
  query?: string;
  /** Whether `query` has variables of the entity: `${{ entity.metadata.name }}`. */
  enableQueryTemplating?: boolean;
}

/** Every graph that an entity asks for, or one of a query of one's own. */
export function EntityPrometheusGraphCard({
  entityRef,
  ...props
}: EntityPrometheusGraphCardProps) {
  return entityRef === undefined ? (
    <Graphs {...props} />
  ) : (
    <EntityOf entityRef={entityRef} title={props.title}>
      <Graphs {...props} />
    </EntityOf>
  );
}

function Graphs({
  query,
  enableQueryTemplating = false,
  ...graph
}: EntityPrometheusGraphCardProps) {
  const { entity } = useEntity();
  if (query !== undefined) {
    return enableQueryTemplating ? (
      <TemplatedGraph {...graph} query={query} />
    ) : (
      <PrometheusGraph {...graph} query={query} />
    );
  }
  return hasGraphs(entity) ? (
    <AnnotatedGraphs {...graph} />
  ) : (
    <MissingAnnotationEmptyState annotation={RULE_ANNOTATION} />
  );
}

type GraphOptions = Omit<
  PrometheusGraphProps,
  'query' | 'entityRef' | 'instance'
>;

function AnnotatedGraphs(graph: GraphOptions) {
  const { now, refresh } = useNow();
  const { data, error } = usePanels(now);
  if (!data) {
    return (
      <ContentCard title={graph.title ?? 'Prometheus'}>
        {error ? (
          <Failure error={error} onRetry={refresh} />
        ) : (
          <Loading title="Looking for the graphs of this entity" />
        )}
      </ContentCard>
    );
  }
  return (
    <Grid container spacing={3}>
      {data.problems.length > 0 && (
        <Grid item xs={12}>
          <PanelProblems problems={data.problems} />
        </Grid>
      )}
      {data.panels.map(panel => (
        <Grid item xs={12} key={panel.id}>
          <AnnotatedGraph
            {...graph}
            panel={panel}
            uiUrl={data.uiUrl}
            traceUrl={data.traceUrl}
          />
        </Grid>
      ))}
    </Grid>
  );
}

function AnnotatedGraph({
  panel,
  ...graph
}: GraphOptions & {
  panel: PanelSummary;
  uiUrl?: string;
  traceUrl?: string;
}) {
  const ask = usePanelQuery(panel);
  const askExemplars = usePanelExemplars(panel);
  return (
    <GraphCard
      {...graph}
      {...panel}
      title={titleOf(panel, graph.title)}
      uiUrl={panel.uiUrl ?? graph.uiUrl}
      dimension={graph.dimension ?? panel.dimension}
      graphType={panel.graphType ?? graph.graphType}
      unit={panel.unit ?? graph.unit}
      thresholds={panel.thresholds ?? graph.thresholds}
      ask={ask}
      askExemplars={askExemplars}
    />
  );
}
