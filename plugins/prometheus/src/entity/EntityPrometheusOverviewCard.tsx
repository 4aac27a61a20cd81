import { Link } from '@backstage/core-components';
import { useRouteRef } from '@backstage/core-plugin-api';
import {
  entityRouteParams,
  entityRouteRef,
  MissingAnnotationEmptyState,
  useEntity,
} from '@backstage/plugin-catalog-react';
import {
  ALERT_ANNOTATION,
  RULE_ANNOTATION,
} from '@nativestage/backstage-plugin-prometheus-common';
import { makeStyles } from '@material-ui/core/styles';
import { useMemo } from 'react';
import { type GraphRange, secondsOf } from '../graph/PrometheusGraph';
import { toRange } from '../range/TimeSpan';
import { useNow } from '../range/useNow';
import { ContentCard } from '../state/ContentCard';
import { Failure } from '../state/Failure';
import { Outages } from '../state/Outages';
import { Loading } from '../state/StateMessage';
import { AlertCounts } from './AlertCounts';
import { EntityOf } from './EntityOf';
import {
  hasAlerts,
  hasGraphs,
  isPrometheusAvailable,
} from './isPrometheusAvailable';
import { OverviewRow, ROW_HEIGHT } from './OverviewRow';
import { PanelProblems } from './PanelProblems';
import { usePanels } from './usePanels';

export interface EntityPrometheusOverviewCardProps {
  /** Defaults to `Prometheus`. */
  title?: string;
  /** How far back the lines go: an hour without it. */
  range?: GraphRange;
  /** Seconds between refreshes: 60 without it. */
  refresh?: number;
  /** Graphs that are listed: 8 without it. */
  maxGraphs?: number;
  /** Where the page of {@link EntityPrometheusContent} is below the entity's: `prometheus` without it. */
  path?: string;
  /** A reference, such as `component:default/shop`, on a page that is not the entity's own. */
  entityRef?: string;
}

/** What an entity has in Prometheus at a glance: how many alerts, and a line for each graph. */
export function EntityPrometheusOverviewCard({
  entityRef,
  ...props
}: EntityPrometheusOverviewCardProps) {
  return entityRef === undefined ? (
    <Overview {...props} />
  ) : (
    <EntityOf entityRef={entityRef} title={props.title}>
      <Overview {...props} />
    </EntityOf>
  );
}

const useStyles = makeStyles(
  theme => ({
    list: {
      display: 'grid',
      gridTemplateColumns: 'minmax(0, 1fr) minmax(64px, 30%) max-content',
      columnGap: theme.spacing(2),
      [theme.breakpoints.down('xs')]: {
        gridTemplateColumns: 'minmax(0, 1fr) max-content',
      },
    },
  }),
  { name: 'PrometheusOverview' },
);

type OverviewProps = Omit<EntityPrometheusOverviewCardProps, 'entityRef'>;

function Overview({
  title = 'Prometheus',
  refresh = 60,
  path = 'prometheus',
  ...props
}: OverviewProps) {
  const { entity } = useEntity();
  const { now, refresh: retry } = useNow(refresh);
  const page = useRouteRef(entityRouteRef)(entityRouteParams(entity));
  const link = `${page}/${path.replace(/^\//, '')}`;
  if (!isPrometheusAvailable(entity)) {
    return (
      <MissingAnnotationEmptyState
        annotation={[RULE_ANNOTATION, ALERT_ANNOTATION]}
      />
    );
  }
  return (
    <ContentCard
      title={title}
      footerActions={<Link to={link}>All graphs and alerts</Link>}
    >
      <Outages onRetry={retry} isInCard>
        {hasAlerts(entity) && <AlertCounts now={now} link={link} />}
        {hasGraphs(entity) && (
          <Rows {...props} now={now} link={link} onRetry={retry} />
        )}
      </Outages>
    </ContentCard>
  );
}

function Rows({
  range,
  maxGraphs = 8,
  now,
  link,
  onRetry,
}: OverviewProps & { now: number; link: string; onRetry: () => void }) {
  const classes = useStyles();
  const { data, error } = usePanels(now);
  const last = secondsOf(range);
  const shown = useMemo(() => toRange({ last }, now), [last, now]);
  if (!data) {
    return error ? (
      <Failure error={error} onRetry={onRetry} />
    ) : (
      <Loading title="Looking for graphs" height={4 * ROW_HEIGHT} />
    );
  }
  const more = data.panels.length - maxGraphs;
  return (
    <>
      <PanelProblems problems={data.problems} />
      <div role="list" aria-label="Graphs" className={classes.list}>
        {data.panels.slice(0, maxGraphs).map(panel => (
          <OverviewRow
            key={panel.id}
            panel={panel}
            range={shown}
            link={`${link}?panel=${encodeURIComponent(panel.id)}`}
          />
        ))}
      </div>
      {more > 0 && <Link to={link}>{`and ${more} more`}</Link>}
    </>
  );
}
