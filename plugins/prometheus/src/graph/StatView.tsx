import { makeStyles, useTheme } from '@material-ui/core/styles';
import {
  formatValue,
  type RangeResult,
  type RangeSeries,
  samplesOf,
  type Threshold,
  type Unit,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useMemo } from 'react';
import { MiddleCut } from '../chart/MiddleCut';
import { seriesStyles } from '../chart/colors';
import { formatLabels } from '../chart/labels';
import { seriesNames } from '../chart/seriesNames';
import { severityColor } from './severityColor';
import { Sparkline } from './Sparkline';

const useStyles = makeStyles(
  theme => ({
    root: {
      display: 'grid',
      gridTemplateColumns: 'repeat(auto-fit, minmax(min(140px, 100%), 1fr))',
      gap: theme.spacing(1.5),
      boxSizing: 'border-box',
      overflow: 'auto',
      margin: 0,
      padding: 0,
      listStyle: 'none',
      fontFamily: theme.typography.fontFamily,
      '&:focus-visible': {
        outline: `2px solid ${theme.palette.primary.main}`,
      },
    },
    stat: {
      display: 'flex',
      flexDirection: 'column',
      justifyContent: 'center',
      minWidth: 0,
      minHeight: 96,
      padding: theme.spacing(1, 1.5),
      borderRadius: theme.shape.borderRadius,
      border: `1px solid ${theme.palette.divider}`,
      // Alone, the card around it is border enough.
      '&:only-child': { border: 0, textAlign: 'center' },
    },
    name: { fontSize: 12, color: theme.palette.text.secondary },
    value: {
      fontSize: 32,
      lineHeight: 1.25,
      fontWeight: 500,
      fontVariantNumeric: 'tabular-nums',
      whiteSpace: 'nowrap',
      overflow: 'hidden',
      textOverflow: 'ellipsis',
    },
  }),
  { name: 'PrometheusStat' },
);

export interface StatViewProps {
  title: string;
  data: RangeResult;
  dimension?: string;
  legend?: string;
  unit?: Unit;
  thresholds?: Threshold[];
  /** Pixels. */
  height: number;
}

/** The newest value of each series in large, with a line of how it came there. */
export function StatView(props: StatViewProps) {
  const { title, data, dimension, legend, unit, thresholds } = props;
  const classes = useStyles();
  const theme = useTheme();
  const names = useMemo(
    () => seriesNames(data.series, { dimension, legend, fallback: title }),
    [data.series, dimension, legend, title],
  );
  const styles = seriesStyles(data.series, theme.palette.type, dimension);
  const isAlone = data.series.length === 1;
  return (
    <ul
      className={classes.root}
      style={{ height: props.height }}
      aria-label={title}
      tabIndex={0}
    >
      {data.series.map((series, index) => {
        const newest = newestOf(series);
        const color = severityColor(theme, newest, thresholds);
        return (
          <li
            key={index}
            className={classes.stat}
            title={[...new Set([names[index], formatLabels(series.labels)])]
              .filter(Boolean)
              .join('\n')}
          >
            {!isAlone && (
              <span className={classes.name}>
                <MiddleCut text={names[index]} />
              </span>
            )}
            <span
              className={classes.value}
              style={{ color, fontSize: isAlone ? 64 : undefined }}
            >
              {formatValue(newest, unit)}
            </span>
            <Sparkline
              values={samplesOf(series)}
              color={color ?? styles[index].color}
              height={isAlone ? 120 : undefined}
            />
          </li>
        );
      })}
    </ul>
  );
}

/** What was the last one before a gap is not what is now. */
function newestOf(series: RangeSeries): number | null | undefined {
  const samples = samplesOf(series);
  return samples.at(-1) ?? samples.at(-2);
}
