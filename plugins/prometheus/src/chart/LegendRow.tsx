import {
  formatValue,
  type RangeSeries,
  type Unit,
} from '@nativestage/backstage-plugin-prometheus-common';
import { type KeyboardEvent, memo, type MouseEvent } from 'react';
import type { SeriesStyle } from './colors';
import { LineSample } from './LineSample';
import { formatLabels } from './labels';
import { summaryOf } from './legendOrder';
import type { LegendClasses, LegendGrid } from './legendStyles';
import { MiddleCut, type MiddleCutProps } from './MiddleCut';
import type { Summary } from './summarise';

export const HELP =
  'Click or Enter hides and shows a series; with Ctrl, Alt, ⌘ or Shift it shows only that one';

export interface LegendRowProps {
  /** Handed down: asking for the styles in each row is half of what a row costs. */
  classes: LegendClasses;
  cut: MiddleCutProps['classes'];
  index: number;
  series: RangeSeries;
  name: string;
  /** What of the name tells it from the others. */
  shortName: string;
  style: SeriesStyle;
  unit?: Unit;
  columns: (keyof Summary)[];
  grid: LegendGrid;
  isShown: boolean;
  isStop: boolean;
  onToggle: (series: number) => void;
  onIsolate: (series: number) => void;
  onHighlight: (series: number | undefined) => void;
  onFocus: (series: number) => void;
}

export const LegendRow = memo(function LegendRow(props: LegendRowProps) {
  const { classes, index, series, name, unit } = props;
  const { columns, isShown, isStop } = props;
  const { onToggle, onIsolate, onHighlight, onFocus } = props;
  const summary = summaryOf(series);
  const labels = formatLabels(series.labels);
  const title = [...new Set([name, labels, HELP])].filter(Boolean).join('\n');
  const press = (event: MouseEvent | KeyboardEvent) =>
    hasModifier(event) ? onIsolate(index) : onToggle(index);

  return (
    <div
      role="row"
      className={classes.row}
      style={props.grid}
      onMouseEnter={() => onHighlight(isShown ? index : undefined)}
      onMouseLeave={() => onHighlight(undefined)}
    >
      <span role="rowheader" className={classes.name}>
        <button
          type="button"
          className={classes.button}
          data-series={index}
          data-stop
          aria-pressed={isShown}
          tabIndex={isStop ? 0 : -1}
          title={title}
          aria-label={name}
          onClick={press}
          onKeyDown={event => {
            // Browsers differ in whether the click that follows knows of the modifier.
            if (event.key === 'Enter' && hasModifier(event)) {
              event.preventDefault();
              onIsolate(index);
            }
          }}
          onFocus={() => onFocus(index)}
        >
          <LineSample style={props.style} />
          <span className={classes.text}>
            <MiddleCut text={props.shortName} classes={props.cut} />
          </span>
        </button>
        <button
          type="button"
          className={classes.only}
          tabIndex={-1}
          aria-label={`Only ${name}`}
          onClick={() => onIsolate(index)}
        >
          only
        </button>
      </span>
      {columns.map(column => (
        <span key={column} role="cell" className={classes.value}>
          {formatValue(summary[column], unit)}
        </span>
      ))}
    </div>
  );
});

function hasModifier({
  altKey,
  ctrlKey,
  metaKey,
  shiftKey,
}: MouseEvent | KeyboardEvent): boolean {
  return altKey || ctrlKey || metaKey || shiftKey;
}
