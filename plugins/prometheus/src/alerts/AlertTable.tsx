import LinearProgress from '@material-ui/core/LinearProgress';
import Paper from '@material-ui/core/Paper';
import { makeStyles, type Theme } from '@material-ui/core/styles';
import Table from '@material-ui/core/Table';
import TableBody from '@material-ui/core/TableBody';
import TableContainer from '@material-ui/core/TableContainer';
import TablePagination from '@material-ui/core/TablePagination';
import Typography from '@material-ui/core/Typography';
import useMediaQuery from '@material-ui/core/useMediaQuery';
import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';
import { type ReactNode, useState } from 'react';
import { useWidth } from '../chart/useWidth';
import { useNow } from '../range/useNow';
import type { AlertColumn } from './AlertColumn';
import {
  alertColumns,
  type CellContext,
  type Column,
  toColumns,
} from './alertColumns';
import { AlertCards } from './AlertCards';
import { AlertGroupRow } from './AlertGroupRow';
import { AlertRow } from './AlertRow';
import { alertRows, type AlertSort, type Row } from './alertRows';
import { groupRows, isGroup, type RowGroup } from './groupRows';
import { AlertTableHead } from './AlertTableHead';
import { AlertTableToolbar } from './AlertTableToolbar';
import { NoAlerts } from './NoAlerts';

export interface AlertTableProps {
  alerts: Alert[];
  title?: string;
  /** Of the instance's own web page, for links. */
  uiUrl?: string;
  /** Makes rows clickable. */
  onRowClick?: (alert: Alert) => void;
  /** Behind the table's own. */
  extraColumns?: AlertColumn[];
  /** Summaries, descriptions, runbooks and the rules' other annotations. Defaults to true. */
  showAnnotations?: boolean;
  /** Defaults to true. */
  showLabels?: boolean;
  /** Whether inactive alerts are there at first. Defaults to false. */
  showInactiveAlerts?: boolean;
  /** Of the alerts' expressions, in their details. Missing where there are none to be had. */
  graphOf?: (alert: Alert) => ReactNode;
  /** What is searched for, kept by whoever shows the table. Missing where that is its own matter. */
  search?: { text: string; onChange: (text: string) => void };
  /** Says that others may come; those there are stay. */
  isLoading?: boolean;
}

const PAGE_SIZES = [10, 20, 50, 100];

/** Seconds after which "3 minutes ago" is looked at again. */
const CLOCK = 15;

const useStyles = makeStyles(
  theme => ({
    // As the cards of Backstage's UI.
    root: { position: 'relative', width: '100%', borderRadius: 8 },
    progress: { position: 'absolute', top: 0, left: 0, right: 0 },
    loading: { padding: theme.spacing(5, 2), textAlign: 'center' },
    // The last row ends where the card does.
    table: { '& tbody tr:last-child td': { borderBottom: 0 } },
  }),
  { name: 'PrometheusAlertTable' },
);

/** Alerts with all that is known of them, to be searched, sorted and paged. */
export function AlertTable({
  alerts,
  title = 'Alerts',
  uiUrl,
  onRowClick,
  extraColumns = [],
  showAnnotations = true,
  showLabels = true,
  showInactiveAlerts = false,
  graphOf,
  search: kept,
  isLoading = false,
}: AlertTableProps) {
  const classes = useStyles();
  const { now } = useNow(CLOCK);
  const [ownSearch, setOwnSearch] = useState('');
  const { text: search, onChange: setSearch } = kept ?? {
    text: ownSearch,
    onChange: setOwnSearch,
  };
  const [showInactive, setShowInactive] = useState(showInactiveAlerts);
  const [sort, setSort] = useState<AlertSort>({
    by: 'state',
    direction: 'asc',
  });
  const isPhone = useMediaQuery<Theme>(({ breakpoints }) =>
    breakpoints.down('xs'),
  );
  const [ref, width] = useWidth<HTMLDivElement>();
  const { isOpen, setOpen } = useOpen();
  const [page, setPage] = useState(0);
  const [pageSize, setPageSize] = useState(PAGE_SIZES[1]);

  const rows = alertRows(alerts, { search, showInactive, sort });
  const entries = groupRows(rows);
  // There may be fewer than there were when the page was chosen.
  const shownPage = Math.min(page, Math.ceil(entries.length / pageSize) - 1);
  const shown = entries.slice(shownPage * pageSize, (shownPage + 1) * pageSize);
  const columns = alertColumns({
    showLabels,
    showAnnotations,
    extraColumns,
    width,
  });
  const context = { now, uiUrl, onRowClick, graphOf };
  const fromFirstPage =
    <T,>(change: (value: T) => void) =>
    (value: T) => {
      setPage(0);
      change(value);
    };

  return (
    <Paper
      ref={ref}
      className={classes.root}
      elevation={0}
      aria-busy={isLoading}
    >
      {isLoading && (
        <LinearProgress
          className={classes.progress}
          aria-label="Alerts are loaded"
        />
      )}
      <AlertTableToolbar
        alerts={alerts}
        title={title}
        found={rows.length}
        search={search}
        onSearch={fromFirstPage(setSearch)}
        showInactive={showInactive}
        onShowInactive={fromFirstPage(setShowInactive)}
      />
      {rows.length > 0 && isPhone && (
        <AlertCards
          entries={shown}
          columns={toColumns(extraColumns)}
          context={context}
          isOpen={isOpen}
          onOpen={setOpen}
        />
      )}
      {rows.length > 0 && !isPhone && (
        <TableContainer tabIndex={0} role="region" aria-label={title}>
          <Table size="small" className={classes.table}>
            <AlertTableHead
              columns={columns}
              sort={sort}
              onSort={fromFirstPage(setSort)}
            />
            <TableBody>
              {shown.map(entry => (
                <Entry
                  key={entry.key}
                  entry={entry}
                  columns={columns}
                  context={context}
                  isOpen={isOpen}
                  onOpen={setOpen}
                />
              ))}
            </TableBody>
          </Table>
        </TableContainer>
      )}
      {entries.length > PAGE_SIZES[0] && (
        <TablePagination
          component="div"
          count={entries.length}
          page={shownPage}
          onPageChange={(_, next) => setPage(next)}
          rowsPerPage={pageSize}
          rowsPerPageOptions={PAGE_SIZES}
          onRowsPerPageChange={event =>
            fromFirstPage(setPageSize)(Number(event.target.value))
          }
        />
      )}
      {rows.length === 0 &&
        (isLoading && alerts.length === 0 ? (
          <Typography color="textSecondary" className={classes.loading}>
            Loading alerts …
          </Typography>
        ) : (
          <NoAlerts
            count={alerts.length}
            search={search}
            onClearSearch={() => setSearch('')}
            onShowInactive={() => setShowInactive(true)}
          />
        ))}
    </Paper>
  );
}

interface EntryProps {
  entry: Row | RowGroup;
  columns: Column[];
  context: CellContext;
  isOpen: (key: string) => boolean;
  onOpen: (key: string, isOpen: boolean) => void;
}

/** An alert, or many of one rule and those of them if they are asked for. */
function Entry({ entry, columns, context, isOpen, onOpen }: EntryProps) {
  const common = (key: string) => ({
    columns,
    context,
    isOpen: isOpen(key),
    onOpen: (next: boolean) => onOpen(key, next),
  });
  if (!isGroup(entry)) {
    return <AlertRow alert={entry.alert} {...common(entry.key)} />;
  }
  return (
    <>
      <AlertGroupRow group={entry} {...common(entry.key)} />
      {isOpen(entry.key) &&
        entry.rows.map(({ key, alert }) => (
          <AlertRow key={key} alert={alert} isInGroup {...common(key)} />
        ))}
    </>
  );
}

/** What is open, by keys that stay when the alerts are asked for again. */
function useOpen() {
  const [open, setOpenKeys] = useState<ReadonlySet<string>>(new Set<string>());
  return {
    isOpen: (key: string) => open.has(key),
    setOpen: (key: string, isOpen: boolean) =>
      setOpenKeys(before => {
        const after = new Set(before);
        if (isOpen) {
          after.add(key);
        } else {
          after.delete(key);
        }
        return after;
      }),
  };
}
