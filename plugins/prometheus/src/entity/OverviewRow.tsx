import { Link } from '@backstage/core-components';
import {
  darken,
  lighten,
  makeStyles,
  useTheme,
} from '@material-ui/core/styles';
import {
  formatValue,
  type PanelSummary,
  type RangeResult,
  samplesOf,
  type TimeRange,
  type Unit,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useCallback } from 'react';
import { MiddleCut } from '../chart/MiddleCut';
import { PALETTES } from '../chart/colors';
import { totalOf } from '../chart/totalOf';
import { visuallyHidden } from '../chart/visuallyHidden';
import { nonFiniteNotes } from '../graph/nonFiniteNotes';
import { severityColor } from '../graph/severityColor';
import { domainOf, Sparkline } from '../graph/Sparkline';
import { useElement } from '../graph/useElement';
import { useInSight } from '../graph/useInSight';
import { useOutage } from '../state/useOutage';
import { useRequest } from '../state/useRequest';
import { titleOf } from './titleOf';
import { usePanelQuery } from './usePanelQuery';

/** Points of a sparkline. */
const POINTS = 60;

/** Lines of a sparkline; more are a smudge. */
const LINES = 5;

export const ROW_HEIGHT = 40;

const useStyles = makeStyles(
  theme => ({
    root: {
      display: 'grid',
      gridColumn: '1 / -1',
      // Those of the list, so that all lines stand below one another.
      gridTemplateColumns: 'subgrid',
      alignItems: 'center',
      height: ROW_HEIGHT,
      fontFamily: theme.typography.fontFamily,
      fontSize: 14,
      [theme.breakpoints.down('xs')]: {
        height: 'auto',
        padding: theme.spacing(0.5, 0),
        rowGap: theme.spacing(0.5),
      },
    },
    title: {
      minWidth: 0,
      overflow: 'hidden',
      whiteSpace: 'nowrap',
      [theme.breakpoints.down('xs')]: { gridColumn: '1 / -1' },
    },
    lines: { position: 'relative', height: 28 },
    line: { position: 'absolute', inset: 0 },
    hidden: visuallyHidden,
    value: {
      textAlign: 'right',
      fontVariantNumeric: 'tabular-nums',
      fontWeight: 500,
      whiteSpace: 'nowrap',
    },
    problem: {
      gridColumn: '-3 / -1',
      textAlign: 'right',
      color: theme.palette.text.secondary,
      overflow: 'hidden',
      textOverflow: 'ellipsis',
      whiteSpace: 'nowrap',
    },
  }),
  { name: 'PrometheusOverviewRow' },
);

export interface OverviewRowProps {
  panel: PanelSummary;
  range: TimeRange;
  /** Where the panel is in full. */
  link: string;
}

/** A panel in one line: how it moved, and where it is. */
export function OverviewRow({ panel, range, link }: OverviewRowProps) {
  const classes = useStyles();
  const { palette, ...theme } = useTheme();
  const { ref, isVisible } = useElement();
  const { data, error } = useLine(panel, range, isVisible);
  const lines = data ? linesOf(data, panel) : [];
  const values = data && newestOf(data, panel);
  const notes = data && nonFiniteNotes(data.series, false).join(' ');
  const color = severityColor(
    { palette, ...theme },
    values && Math.max(...values.filter(value => !Number.isNaN(value))),
    panel.thresholds,
  );
  // A line may be fainter than text has to be.
  const readable =
    color &&
    (palette.type === 'dark' ? lighten(color, 0.35) : darken(color, 0.25));
  return (
    <div ref={ref} className={classes.root} role="listitem">
      <Link to={link} className={classes.title} title={titleOf(panel)}>
        <MiddleCut text={titleOf(panel)} />
      </Link>
      {error && !data ? (
        <RowProblem error={error} />
      ) : (
        <>
          <span className={classes.lines} title={notes || undefined}>
            {lines.map((line, index) => (
              <span key={index} className={classes.line}>
                <Sparkline
                  values={line}
                  domain={domainOf(lines)}
                  color={color ?? PALETTES[palette.type][index]}
                />
              </span>
            ))}
            {notes && <span className={classes.hidden}>{notes}</span>}
          </span>
          <span className={classes.value} style={{ color: readable }}>
            {values && spanOf(values, panel.unit ?? data?.unit)}
          </span>
        </>
      )}
    </div>
  );
}

/** In the room of a line; what several rows have is said above them. */
function RowProblem({ error }: { error: Error }) {
  const classes = useStyles();
  const { problem, saidBy } = useOutage(error);
  return (
    <span className={classes.problem} title={problem.detail}>
      {saidBy ? 'Not known' : problem.title}
    </span>
  );
}

function useLine(panel: PanelSummary, range: TimeRange, isVisible: boolean) {
  const ask = usePanelQuery(panel);
  const wanted = useInSight(range, isVisible, undefined);
  const request = useCallback(
    (signal: AbortSignal) => ask({ ...wanted!, maxPoints: POINTS }, { signal }),
    [ask, wanted],
  );
  return useRequest(panel.query, wanted && request);
}

/** Of a stack the sum says what it comes to. */
function linesOf(
  { series }: RangeResult,
  { graphType }: PanelSummary,
): (number | null)[][] {
  return graphType === 'stacked'
    ? [totalOf(series, () => true)]
    : series.slice(0, LINES).map(samplesOf);
}

/** The newest values; what was the last one before a gap is not what is now. They may be NaN. */
function newestOf(data: RangeResult, panel: PanelSummary): number[] {
  const all =
    panel.graphType === 'stacked'
      ? linesOf(data, panel)
      : data.series.map(samplesOf);
  return all
    .map(values => values.at(-1) ?? values.at(-2) ?? null)
    .filter((value): value is number => value !== null);
}

function spanOf(values: number[], unit: Unit | undefined): string {
  if (values.length === 0) {
    return 'no data';
  }
  const numbers = values.filter(value => !Number.isNaN(value));
  const ends = [Math.min(...numbers), Math.max(...numbers)];
  const [low, high] = ends.map(value => formatValue(value, unit));
  const span = low === high ? low : `${low} – ${high}`;
  if (numbers.length === values.length) {
    return span;
  }
  return numbers.length === 0 ? 'NaN' : `${span}, NaN`;
}
