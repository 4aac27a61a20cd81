import { makeStyles } from '@material-ui/core/styles';
import Table from '@material-ui/core/Table';
import TableBody from '@material-ui/core/TableBody';
import TableCell from '@material-ui/core/TableCell';
import TableContainer from '@material-ui/core/TableContainer';
import TableHead from '@material-ui/core/TableHead';
import TablePagination from '@material-ui/core/TablePagination';
import TableRow from '@material-ui/core/TableRow';
import {
  formatValue,
  type RangeResult,
  samplesOf,
  type Unit,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useMemo, useState } from 'react';
import { formatLabels } from './labels';
import { seriesNames } from './seriesNames';
import { fullTime } from './timeAxis';
import { useTimeZone } from './timeZone';

export interface SeriesTableProps {
  /** The table's accessible name, and what a series without labels is called. */
  title: string;
  data: RangeResult;
  /** The label that names a series. */
  dimension?: string;
  /** What a series is called, with its labels. */
  legend?: string;
  unit?: Unit;
}

const PAGE_SIZES = [10, 25, 100];

const useStyles = makeStyles(
  theme => ({
    container: {
      maxHeight: 440,
      '&:focus-visible': {
        outline: `2px solid ${theme.palette.primary.main}`,
      },
    },
    cell: {
      whiteSpace: 'nowrap',
      fontVariantNumeric: 'tabular-nums',
      background: theme.palette.background.paper,
    },
    time: {
      position: 'sticky',
      left: 0,
      zIndex: 1,
    },
    corner: { zIndex: 3 },
  }),
  { name: 'PrometheusSeriesTable' },
);

/** What the graph shows as a table: a row for each time, newest first, a column for each series. */
export function SeriesTable({
  title,
  data,
  dimension,
  legend,
  unit,
}: SeriesTableProps) {
  const classes = useStyles();
  const timeZone = useTimeZone();
  const [chosenPage, setPage] = useState(0);
  const [pageSize, setPageSize] = useState(PAGE_SIZES[0]);
  const names = useMemo(
    () => seriesNames(data.series, { dimension, legend, fallback: title }),
    [data.series, dimension, legend, title],
  );
  const { length } = data.timestamps;
  // A refresh may leave fewer rows than the page begins at.
  const page = Math.min(
    chosenPage,
    Math.max(0, Math.ceil(length / pageSize) - 1),
  );
  const rows = newestFirst(length).slice(
    page * pageSize,
    (page + 1) * pageSize,
  );
  const time = `${classes.cell} ${classes.time}`;

  return (
    <>
      <TableContainer
        className={classes.container}
        role="region"
        aria-label={title}
        tabIndex={0}
      >
        <Table size="small" stickyHeader aria-label={title}>
          <TableHead>
            <TableRow>
              <TableCell className={`${time} ${classes.corner}`}>
                Time
              </TableCell>
              {names.map((name, index) => (
                <TableCell
                  key={index}
                  className={classes.cell}
                  align="right"
                  title={formatLabels(data.series[index].labels) || undefined}
                >
                  {name}
                </TableCell>
              ))}
            </TableRow>
          </TableHead>
          <TableBody>
            {rows.map(row => (
              <TableRow key={data.timestamps[row]}>
                <TableCell component="th" scope="row" className={time}>
                  {fullTime(data.timestamps[row], { timeZone })}
                </TableCell>
                {data.series.map((series, index) => (
                  <TableCell key={index} className={classes.cell} align="right">
                    {formatValue(samplesOf(series)[row], unit)}
                  </TableCell>
                ))}
              </TableRow>
            ))}
          </TableBody>
        </Table>
      </TableContainer>
      <TablePagination
        component="div"
        count={length}
        page={page}
        rowsPerPage={pageSize}
        rowsPerPageOptions={PAGE_SIZES}
        SelectProps={{
          native: true,
          inputProps: { 'aria-label': 'Rows per page' },
        }}
        onPageChange={(_, next) => setPage(next)}
        onRowsPerPageChange={event => {
          setPageSize(Number(event.target.value));
          setPage(0);
        }}
      />
    </>
  );
}

/** Places in the timestamps, from the last one on. */
function newestFirst(length: number): number[] {
  return Array.from({ length }, (_, index) => length - 1 - index);
}
