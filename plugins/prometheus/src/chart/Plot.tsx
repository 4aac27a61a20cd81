import type { ValueState } from '@nativestage/backstage-plugin-prometheus-common';
import { type KeyboardEvent, useRef, useState } from 'react';
import { describePlot, describeReading } from './describe';
import { type PlotAction, plotAction, type Reading } from './plotKeys';
import type { PlotProps } from './PlotProps';
import { usePlotStyles } from './plotStyles';
import { thresholdText } from './Threshold';
import { Tooltip, type TooltipProps } from './Tooltip';
import { useTimeZone } from './timeZone';
import { type Crosshair, useChart } from './useChart';
import { useLatest } from './useLatest';
import { useUniqueId } from './useUniqueId';

/** The drawing itself, its tooltip, and its keyboard. */
export function Plot(props: PlotProps) {
  const { title, data, names, styles, unit, isShown } = props;
  const classes = usePlotStyles();
  const help = useUniqueId();
  const timeZone = useTimeZone();
  const { pinned, pin, unpin } = usePin(props);
  const { states: shownStates, ...chart } = useChart(
    props,
    // A click where one is pinned already takes it away: the next one pins another.
    (place, states) => (pinned ? unpin() : pin(place, states)),
  );
  const { target, crosshair, extent, setReading } = chart;
  const latest = useLatest(props);
  const reading = useRef<Reading>({});

  const read = (next: Reading) => {
    reading.current = next;
    setReading(next);
  };
  const act = (action: PlotAction) => {
    const { onZoom, onZoomOut } = latest.current;
    switch (action.type) {
      case 'read':
        read(onZoom ? action.reading : { at: action.reading.at });
        break;
      case 'pin':
        if (crosshair) {
          pin(crosshair, shownStates);
        }
        break;
      case 'zoomIn':
        read({});
        onZoom?.({
          start: data.timestamps[action.from],
          end: data.timestamps[action.to],
        });
        break;
      default:
        onZoomOut?.();
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) {
      return;
    }
    if (event.key === 'Escape' && pinned) {
      event.stopPropagation();
      unpin();
      return;
    }
    const { length } = data.timestamps;
    const action = plotAction(event, reading.current, length);
    if (action) {
      event.preventDefault();
      event.stopPropagation();
      act(action);
    }
  };
  const isStacked = props.graphType === 'stacked';
  const isTimeline = props.graphType === 'timeline';

  return (
    <>
      <div
        ref={target}
        className={classes.root}
        role="application"
        aria-roledescription="graph"
        aria-label={title}
        aria-describedby={help}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={() => read({})}
      />
      {extent && props.children?.(extent)}
      <span id={help} className={classes.hidden}>
        {describePlot({
          data,
          lines: isTimeline
            ? []
            : props.thresholds.map(line => thresholdText(line, unit)),
          isSelectable: Boolean(props.onZoom),
          timeZone,
        })}
      </span>
      <span role="status" className={classes.hidden}>
        {crosshair?.isKeyboard &&
          describeReading({
            data,
            names,
            unit,
            isShown,
            states: shownStates,
            timeZone,
            ...crosshair,
          })}
      </span>
      {pinned ? (
        <Tooltip
          {...pinned}
          onClose={() => {
            unpin();
            target.current?.focus();
          }}
        />
      ) : (
        crosshair &&
        crosshair.at < data.timestamps.length && (
          <Tooltip
            {...{ data, names, styles, unit, isShown }}
            states={shownStates}
            hasTotal={isStacked}
            {...crosshair}
          />
        )
      )}
    </>
  );
}

/** A tooltip that stays as it was, also when there is newer data. */
function usePin(props: PlotProps) {
  const { data, names, styles, unit, isShown, graphType } = props;
  const [pinned, setPinned] = useState<TooltipProps>();
  const pin = (place: Crosshair, states: ValueState[]) => {
    if (place.at < data.timestamps.length) {
      const hasTotal = graphType === 'stacked';
      const shown = { data, names, styles, unit, isShown, states, hasTotal };
      setPinned({ ...shown, ...place });
    }
  };
  return { pinned, pin, unpin: () => setPinned(undefined) };
}
