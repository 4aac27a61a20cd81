import { alertApiRef, useApi } from '@backstage/core-plugin-api';
import Button from '@material-ui/core/Button';
import Grid from '@material-ui/core/Grid';
import BackIcon from '@material-ui/icons/ArrowBack';
import {
  type EntityPanels,
  type PanelSummary,
  RULE_ANNOTATION,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useSearchParams } from 'react-router-dom';
import { copyText } from '../chart/copyText';
import { GraphPanel, type GraphPanelProps } from '../graph/GraphPanel';
import type { PanelAction } from '../graph/PanelMenu';
import { Empty } from '../state/StateMessage';
import { PanelProblems } from './PanelProblems';
import { titleOf } from './titleOf';
import { useLegendInAddress } from './useLegendInAddress';
import { usePanelExemplars } from './usePanelExemplars';
import { usePanelQuery } from './usePanelQuery';

/** The panel that alone is shown, by its id. */
const PANEL = 'panel';

/** Pixels of a panel that is shown alone. */
const ALONE = 560;

type Shared = Omit<GraphPanelProps, 'title' | 'query' | 'ask' | 'actions'>;

/** All graphs of an entity, or the one that the address names. */
export function PanelGrid({
  data,
  ...shared
}: Shared & { data: EntityPanels }) {
  const { panels, problems } = data;
  const [parameters, setParameters] = useSearchParams();
  const wanted = parameters.get(PANEL);
  const alone = panels.find(({ id }) => id === wanted);
  const show = (id: string | undefined) =>
    setParameters(before => withPanel(before, id));
  return (
    <>
      {problems.length > 0 && (
        <Grid item xs={12}>
          <PanelProblems problems={problems} />
        </Grid>
      )}
      {wanted !== null && (
        <Grid item xs={12}>
          <Button
            size="small"
            startIcon={<BackIcon />}
            onClick={() => show(undefined)}
          >
            All graphs
          </Button>
          {!alone && (
            <Empty
              title="This graph is gone"
              detail="The entity's annotations may have changed since the link was made."
            />
          )}
        </Grid>
      )}
      {panels.length === 0 && problems.length === 0 && (
        <Grid item xs={12}>
          <Empty
            title="No graphs"
            detail={`The annotation ${RULE_ANNOTATION} names none.`}
          />
        </Grid>
      )}
      {(alone ? [alone] : panels).map(panel => (
        <Grid
          item
          xs={12}
          md={alone || panel.width === 'full' ? 12 : 6}
          key={panel.id}
        >
          <EntityPanel
            {...shared}
            panel={panel}
            uiUrl={data.uiUrl}
            traceUrl={data.traceUrl}
            height={alone ? ALONE : undefined}
            isAlone={alone !== undefined}
            onAlone={isAlone => show(isAlone ? panel.id : undefined)}
          />
        </Grid>
      ))}
    </>
  );
}

type EntityPanelProps = Shared & {
  panel: PanelSummary;
  isAlone: boolean;
  onAlone: (isAlone: boolean) => void;
};

function EntityPanel({ panel, isAlone, onAlone, ...props }: EntityPanelProps) {
  const ask = usePanelQuery(panel);
  const askExemplars = usePanelExemplars(panel);
  const legendState = useLegendInAddress(panel.id);
  const copyLink = useCopyLink(panel.id);
  const actions: PanelAction[] = [
    {
      label: isAlone ? 'All graphs' : 'Full width, alone',
      onClick: () => onAlone(!isAlone),
    },
    { label: 'Copy link', onClick: copyLink },
  ];
  return (
    <GraphPanel
      {...props}
      {...panel}
      title={titleOf(panel)}
      uiUrl={panel.uiUrl ?? props.uiUrl}
      graphType={panel.graphType ?? props.graphType}
      ask={ask}
      askExemplars={askExemplars}
      legendState={legendState}
      actions={actions}
    />
  );
}

/** Puts the address of a panel, with its range and what is hidden, into the clipboard. */
function useCopyLink(id: string): () => void {
  const alertApi = useApi(alertApiRef);
  const [parameters] = useSearchParams();
  return () => {
    const link = new URL(window.location.href);
    link.search = withPanel(parameters, id).toString();
    link.hash = '';
    void copyText(link.href).then(isCopied =>
      alertApi.post({
        message: isCopied
          ? 'The link to the graph is copied'
          : `The browser does not allow copying; the link is ${link.href}`,
        severity: isCopied ? 'success' : 'warning',
        display: 'transient',
      }),
    );
  };
}

function withPanel(
  parameters: URLSearchParams,
  id: string | undefined,
): URLSearchParams {
  const after = new URLSearchParams(parameters);
  if (id === undefined) {
    after.delete(PANEL);
  } else {
    after.set(PANEL, id);
  }
  return after;
}
