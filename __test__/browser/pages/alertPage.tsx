// The page of the alert table's tests: they say through `alertPage` what it shows.
import { darkTheme, lightTheme } from '@backstage/theme';
import CssBaseline from '@material-ui/core/CssBaseline';
import { ThemeProvider } from '@material-ui/core/styles';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import type { AlertColumn } from '../../../plugins/prometheus/src/alerts/AlertColumn';
import {
  AlertTable,
  type AlertTableProps,
} from '../../../plugins/prometheus/src/alerts/AlertTable';

export interface AlertScene {
  theme?: 'light' | 'dark';
  props: Omit<AlertTableProps, 'onRowClick' | 'extraColumns'>;
  isClickable?: boolean;
  hasExtraColumns?: boolean;
  /** Keeps what the reader has chosen, as when alerts are asked for again. */
  isSame?: boolean;
}

export interface AlertPage {
  show(scene: AlertScene): void;
  /** The names of alerts whose rows were clicked. */
  clicked: string[];
}

declare global {
  var alertPage: AlertPage;
}

const EXTRA_COLUMNS: AlertColumn[] = [
  { title: 'Team', field: 'labels.team' },
  { title: 'Ticket', render: ({ name }) => <b>#{name.length}</b> },
];

const root = createRoot(document.getElementById('root')!);
let shown = 0;

globalThis.alertPage = {
  clicked: [],
  show({ theme = 'light', props, isClickable, hasExtraColumns, isSame }) {
    const { clicked } = globalThis.alertPage;
    clicked.length = 0;
    shown += isSame ? 0 : 1;
    root.render(
      <StrictMode>
        <ThemeProvider theme={theme === 'dark' ? darkTheme : lightTheme}>
          <CssBaseline />
          <main style={{ padding: 24 }}>
            <AlertTable
              key={shown}
              {...props}
              extraColumns={hasExtraColumns ? EXTRA_COLUMNS : undefined}
              onRowClick={
                isClickable ? ({ name }) => clicked.push(name) : undefined
              }
            />
          </main>
        </ThemeProvider>
      </StrictMode>,
    );
  },
};
