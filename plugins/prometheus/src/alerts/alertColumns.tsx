import {
  type Alert,
  formatValue,
  inferUnit,
  nonFiniteNumber,
} from '@nativestage/backstage-plugin-prometheus-common';
import type { ReactNode } from 'react';
import { AlertAnnotations } from './AlertAnnotations';
import type { AlertColumn } from './AlertColumn';
import { AlertLabels } from './AlertLabels';
import { AlertName, AlertReason } from './AlertName';
import { AlertStateChip } from './AlertStateChip';
import { toText, valueAt } from './alertRows';
import { reasonOf } from './reasonOf';
import { TimeAgo } from './TimeAgo';

/** What a cell may need beside its alert. */
export interface CellContext {
  /** Seconds since 1970. */
  now: number;
  uiUrl?: string;
  onRowClick?: (alert: Alert) => void;
  /** The graph of an alert; missing where there are none to be had. */
  graphOf?: (alert: Alert) => ReactNode;
}

/** A column as the table draws it. */
export interface Column {
  id: string;
  title: ReactNode;
  /** What it is sorted by, if it can be. */
  sortBy?: string;
  /** So wide that words are not broken: a CSS length. */
  minWidth?: string;
  /** What is longer is cut off: a CSS length. */
  maxWidth?: string;
  /** Takes the room that others leave. */
  isFilling?: boolean;
  /** Pixels of the table from which on there is room for it. */
  from?: number;
  isNumeric?: boolean;
  cell: (alert: Alert, context: CellContext) => ReactNode;
}

export interface ColumnsOptions {
  showLabels: boolean;
  showAnnotations: boolean;
  extraColumns: AlertColumn[];
  /** Pixels of the table; 0 while that is not known. */
  width: number;
}

/** The table's columns, with those of an app's own at the end. */
export function alertColumns({
  showLabels,
  showAnnotations,
  extraColumns,
  width,
}: ColumnsOptions): Column[] {
  const columns = [
    STATE,
    NAME,
    VALUE,
    ...(showLabels ? [LABELS] : []),
    SINCE,
    EVALUATED,
    ...(showAnnotations ? [ANNOTATIONS] : []),
    ...toColumns(extraColumns),
  ];
  return columns.filter(({ from = 0 }) => width === 0 || width >= from);
}

/** How wide the cells of a column are. */
export function widthOf({ maxWidth, isFilling }: Column) {
  return isFilling ? { width: '100%', maxWidth: 0 } : { maxWidth };
}

const STATE: Column = {
  id: 'state',
  title: 'State',
  sortBy: 'state',
  cell: alert => <AlertStateChip alert={alert} />,
};

const NAME: Column = {
  id: 'name',
  title: 'Alert',
  sortBy: 'name',
  minWidth: '11rem',
  maxWidth: '15rem',
  cell: (alert, context) => (
    <>
      <AlertName alert={alert} {...context} />
      {reasonOf(alert) && (
        <>
          {/* Where the line may break, and not within the name. */}
          {'\u2002'}
          <wbr />
          <AlertReason alert={alert} />
        </>
      )}
    </>
  ),
};

const VALUE: Column = {
  id: 'value',
  title: 'Value',
  sortBy: 'value',
  from: 900,
  isNumeric: true,
  cell: ({ value, nonFiniteValue, query }) => {
    const shown = nonFiniteValue ? nonFiniteNumber(nonFiniteValue) : value;
    return (
      <span title={shown === undefined ? undefined : String(shown)}>
        {formatValue(shown, query === undefined ? undefined : inferUnit(query))}
      </span>
    );
  },
};

const LABELS: Column = {
  id: 'labels',
  title: 'Labels',
  minWidth: '10rem',
  maxWidth: '12rem',
  from: 1060,
  cell: alert => <AlertLabels alert={alert} isOneLine />,
};

const SINCE: Column = {
  id: 'activeAt',
  title: 'Active since',
  sortBy: 'activeAt',
  from: 800,
  minWidth: '8rem',
  cell: ({ activeAt }, { now }) => <TimeAgo time={activeAt} now={now} />,
};

const EVALUATED: Column = {
  id: 'lastEvaluation',
  title: 'Evaluated',
  sortBy: 'lastEvaluation',
  minWidth: '8rem',
  from: 1240,
  cell: ({ lastEvaluation }, { now }) => (
    <TimeAgo time={lastEvaluation} now={now} />
  ),
};

const ANNOTATIONS: Column = {
  id: 'annotations',
  title: 'Summary',
  sortBy: 'annotations.summary',
  minWidth: '12rem',
  isFilling: true,
  cell: alert => <AlertAnnotations alert={alert} isOneLine />,
};

/** Those of an app's own. */
export function toColumns(extraColumns: AlertColumn[]): Column[] {
  return extraColumns.map(({ title, field, render }, index) => ({
    id: `extra-${index}`,
    title,
    sortBy: field,
    cell: alert =>
      render ? render(alert, 'row') : field && toText(valueAt(alert, field)),
  }));
}
