import LinearProgress from '@material-ui/core/LinearProgress';
import { makeStyles } from '@material-ui/core/styles';
import type { RangeResult } from '@nativestage/backstage-plugin-prometheus-common';
import { Failure } from '../state/Failure';
import { StaleNote } from '../state/Note';
import { Loading } from '../state/StateMessage';
import type { RequestState } from '../state/useRequest';
import { PanelNotes } from './PanelNotes';
import { Picture, type PictureProps } from './Picture';
import type { useExemplars } from './useExemplars';

/** Pixels of a panel's picture with its legend, from the start: nothing moves when it comes. */
export const PANEL_HEIGHT = 376;

const useStyles = makeStyles(
  {
    body: { position: 'relative' },
    progress: { position: 'absolute', top: 0, left: 0, right: 0, height: 2 },
  },
  { name: 'PrometheusGraphBody' },
);

export type GraphBodyProps = Omit<
  PictureProps,
  'data' | 'height' | 'exemplars'
> &
  RequestState<RangeResult> & {
    /** Pixels of the picture with its legend. */
    height?: number;
    isVisible: boolean;
    /** Where a trace is shown: `https://traces.example/trace/{{trace_id}}`. */
    traceUrl?: string;
    drawn?: ReturnType<typeof useExemplars>;
    onRetry?: () => void;
  };

/** The picture with what has to be known about it, or what stands in its place. */
export function GraphBody({
  data,
  error,
  isLoading,
  onRetry,
  drawn,
  ...props
}: GraphBodyProps) {
  const classes = useStyles();
  const { height = PANEL_HEIGHT, isVisible } = props;
  if (!data) {
    return error ? (
      <Failure error={error} height={height} onRetry={onRetry} />
    ) : (
      <Loading title="Asking Prometheus" height={height} isStill={!isVisible} />
    );
  }
  return (
    <div className={classes.body} aria-busy={isLoading}>
      {isLoading && isVisible && (
        <LinearProgress className={classes.progress} aria-label="Loading" />
      )}
      <Picture
        {...props}
        data={data}
        height={height}
        exemplars={
          drawn && { exemplars: drawn.data ?? [], traceUrl: props.traceUrl }
        }
      />
      {error && <StaleNote error={error} />}
      {drawn?.error && <StaleNote error={drawn.error} />}
      <PanelNotes {...data} view={props.view} />
    </div>
  );
}
