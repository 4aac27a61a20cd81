import { makeStyles } from '@material-ui/core/styles';
import {
  nonFiniteName,
  type NonFiniteValue,
} from '@nativestage/backstage-plugin-prometheus-common';
import { runs } from '../chart/stackedPaths';

const WIDTH = 200;

/** Pixels of the bar at the edge where a value is infinite. */
const BAR = 4;

const useStyles = makeStyles(
  { root: { display: 'block', width: '100%', overflow: 'visible' } },
  { name: 'PrometheusSparkline' },
);

export interface SparklineProps {
  /** With infinities and NaN in their places. */
  values: (number | null)[];
  color: string;
  /** What the line goes from and to, where others share its place. */
  domain?: [low: number, high: number];
  /** Pixels. */
  height?: number;
}

/**
 * How a value moved, without axes: what it is stands beside it. A gap is one here too; a bar at the
 * upper or lower edge is an infinity, and a dotted one between them NaN.
 */
export function Sparkline({
  values,
  color,
  domain,
  height = 28,
}: SparklineProps) {
  const classes = useStyles();
  const [low, high] = domain ?? domainOf([values]);
  const x = (at: number) => (at / Math.max(values.length - 1, 1)) * WIDTH;
  const y = (value: number) =>
    high === low
      ? height / 2
      : height - 2 - ((value - low) / (high - low)) * (height - 4);
  const lines = stretchesOf(values, Number.isFinite).map(({ from, to }) => {
    const points = values
      .slice(from, to + 1)
      .map(
        (value, index) =>
          `${x(from + index).toFixed(1)},${y(value!).toFixed(1)}`,
      );
    // A single value has no line, and gets a short one.
    return points.length === 1
      ? `${points[0]} ${(x(from) + 1).toFixed(1)},${y(values[from]!).toFixed(1)}`
      : points.join(' ');
  });
  const bars: [name: NonFiniteValue, y: number][] = [
    ['+Inf', BAR / 2],
    ['-Inf', height - BAR / 2],
    ['NaN', height / 2],
  ];
  return (
    <svg
      className={classes.root}
      viewBox={`0 0 ${WIDTH} ${height}`}
      height={height}
      preserveAspectRatio="none"
      aria-hidden
      focusable="false"
    >
      {lines.map(points => (
        <polyline
          key={points}
          points={points}
          fill="none"
          stroke={color}
          strokeWidth="1.5"
          strokeLinejoin="round"
          vectorEffect="non-scaling-stroke"
        />
      ))}
      {bars.flatMap(([name, middle]) =>
        stretchesOf(values, value => nonFiniteName(value) === name).map(
          ({ from, to }) => (
            <line
              key={`${name} ${from}`}
              data-value={name}
              // From halfway to the value before to halfway to the one after.
              x1={Math.max(x(from - 0.5), 0).toFixed(1)}
              x2={Math.min(x(to + 0.5), WIDTH).toFixed(1)}
              y1={middle}
              y2={middle}
              stroke={color}
              strokeWidth={name === 'NaN' ? 2 : BAR}
              strokeDasharray={name === 'NaN' ? '2 3' : undefined}
              vectorEffect="non-scaling-stroke"
            />
          ),
        ),
      )}
    </svg>
  );
}

/** Where values that are meant follow one another; both ends belong to it. */
function stretchesOf(
  values: (number | null)[],
  isMeant: (value: number) => boolean,
): { from: number; to: number }[] {
  return runs(
    values.map(value => (value !== null && isMeant(value) ? value : null)),
  );
}

/** The smallest and the largest value of several lines. */
export function domainOf(
  lines: (number | null)[][],
): [low: number, high: number] {
  let low = Infinity;
  let high = -Infinity;
  for (const values of lines) {
    for (const value of values) {
      if (value !== null && Number.isFinite(value)) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
  }
  return [low, high];
}
