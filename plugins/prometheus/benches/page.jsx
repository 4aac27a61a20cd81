// What bench.mjs measures: the same lines by either library, each in the root it is given.
import { createTheme, ThemeProvider } from '@material-ui/core/styles';
import { createRoot } from 'react-dom/client';
import { flushSync } from 'react-dom';
import {
  CartesianGrid,
  Line,
  LineChart,
  Tooltip,
  XAxis,
  YAxis,
} from 'recharts';
import { TimeSeriesChart } from '../src/chart/TimeSeriesChart';

const SERIES = 200;
const POINTS = 240;
const START = 1_763_850_600;
const STEP = 60;
const WIDTH = 960;
const HEIGHT = 240;

const timestamps = Array.from({ length: POINTS }, (_, at) => START + at * STEP);
const series = Array.from({ length: SERIES }, (_, index) => ({
  labels: { pod: `pod-${index}` },
  values: timestamps.map((_, at) => index + 5 * Math.sin(at / 10 + index)),
}));

const range = {
  start: START,
  end: timestamps.at(-1),
  step: STEP,
  timestamps,
  series,
  warnings: [],
  infos: [],
};
const rows = timestamps.map((timestamp, at) =>
  Object.fromEntries([
    ['timestamp', timestamp],
    ...series.map(({ labels, values }) => [labels.pod, values[at]]),
  ]),
);
const theme = createTheme();

const charts = {
  ours: () => (
    <ThemeProvider theme={theme}>
      <TimeSeriesChart
        title="Requests"
        data={range}
        dimension="pod"
        height={HEIGHT}
      />
    </ThemeProvider>
  ),
  recharts: () => (
    // Without a legend, which of 200 series leaves no room for the lines; ours has one.
    <LineChart width={WIDTH} height={HEIGHT} data={rows}>
      <CartesianGrid />
      <XAxis
        dataKey="timestamp"
        type="number"
        domain={['dataMin', 'dataMax']}
      />
      <YAxis />
      <Tooltip />
      {series.map(({ labels }) => (
        <Line
          key={labels.pod}
          dataKey={labels.pod}
          dot={false}
          isAnimationActive={false}
        />
      ))}
    </LineChart>
  ),
};

const isDrawn = {
  ours: () => document.querySelector('.u-over') !== null,
  recharts: () => curves().length === SERIES,
};

const curves = () => [...document.querySelectorAll('path.recharts-curve')];

let root;

/** Resolves when the next frame is painted. */
const painted = () =>
  new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)));

globalThis.bench = {
  expected: SERIES * POINTS,

  /** Milliseconds from the call until the picture is on the screen. */
  async draw(name) {
    await painted();
    const begin = performance.now();
    root = createRoot(document.getElementById('root'));
    flushSync(() => root.render(charts[name]()));
    do {
      await painted();
      if (performance.now() - begin > 30_000) {
        throw new Error(`${name} drew nothing in 30 seconds`);
      }
    } while (!isDrawn[name]());
    return performance.now() - begin;
  },

  /** Points of the lines that were drawn. */
  async points(name) {
    const { lineTo } = Path2D.prototype;
    let drawn = 0;
    Path2D.prototype.lineTo = function count(x, y) {
      drawn++;
      lineTo.call(this, x, y);
    };
    await this.draw(name);
    await painted();
    Path2D.prototype.lineTo = lineTo;
    if (name === 'ours') {
      // uPlot closes the area below each line too, down and back.
      drawn -= 2 * SERIES;
    }
    return (
      drawn +
      curves()
        .map(path => path.getAttribute('d').match(/[ML]/g).length)
        .reduce((sum, each) => sum + each, 0)
    );
  },

  /** Moves over the chart; milliseconds from one frame to the next. */
  async hover(moves) {
    const plot =
      document.querySelector('.u-over') ??
      document.querySelector('.recharts-wrapper');
    const { left, top, width, height } = plot.getBoundingClientRect();
    const frames = [];
    let before = await new Promise(requestAnimationFrame);
    for (let move = 0; move < moves; move++) {
      plot.dispatchEvent(
        new MouseEvent('mousemove', {
          clientX: left + width * (0.1 + (0.8 * move) / moves),
          clientY: top + height / 2,
          movementX: 1,
          bubbles: true,
        }),
      );
      const now = await new Promise(requestAnimationFrame);
      frames.push(now - before);
      before = now;
    }
    return frames;
  },

  /** Whether hovering showed values. */
  hasTooltip: () =>
    Boolean(
      document.querySelector(
        '[data-testid="prometheus-tooltip"], .recharts-tooltip-item',
      ),
    ),

  async clear() {
    root.unmount();
    await painted();
  },
};
