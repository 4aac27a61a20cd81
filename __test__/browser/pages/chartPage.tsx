// The page of the chart tests: they say through `chartPage` what it shows.
import CssBaseline from '@material-ui/core/CssBaseline';
import Paper from '@material-ui/core/Paper';
import { ThemeProvider } from '@material-ui/core/styles';
import { darkTheme, lightTheme } from '@backstage/theme';
import type { TimeRange } from '@nativestage/backstage-plugin-prometheus-common';
import { StrictMode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import {
  SeriesTable,
  type SeriesTableProps,
} from '../../../plugins/prometheus/src/chart/SeriesTable';
import {
  TimeSeriesChart,
  type TimeSeriesChartProps,
} from '../../../plugins/prometheus/src/chart/TimeSeriesChart';

export type ChartProps = Omit<TimeSeriesChartProps, 'onZoom' | 'onZoomOut'>;

export interface ChartPage {
  /** What charts said, in order. */
  zooms: (TimeRange | 'out')[];
  /** Shows these charts, or goes on with those that are there. */
  show(charts: ChartProps[], look?: { dark?: boolean; strict?: boolean }): void;
  showTable(props: SeriesTableProps): void;
  clear(): void;
}

declare global {
  // `let` makes no property of the global object.
  var chartPage: ChartPage;
}

let root: Root | undefined;

function render(content: JSX.Element, dark = false) {
  const container = document.getElementById('root');
  if (!container) {
    throw new Error('The page has no element with the id "root"');
  }
  root ??= createRoot(container);
  root.render(
    <ThemeProvider theme={dark ? darkTheme : lightTheme}>
      <CssBaseline />
      <main>{content}</main>
    </ThemeProvider>,
  );
}

globalThis.chartPage = {
  zooms: [],
  show(charts, { dark, strict } = {}) {
    const content = charts.map((props, index) => (
      <Paper key={index} style={{ margin: 16, padding: 16 }}>
        <TimeSeriesChart
          {...props}
          onZoom={range => chartPage.zooms.push(range)}
          onZoomOut={() => chartPage.zooms.push('out')}
        />
      </Paper>
    ));
    render(strict ? <StrictMode>{content}</StrictMode> : <>{content}</>, dark);
  },
  showTable(props) {
    render(<SeriesTable {...props} />);
  },
  clear() {
    root?.unmount();
    root = undefined;
  },
};
