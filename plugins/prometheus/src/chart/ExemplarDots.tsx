import { makeStyles } from '@material-ui/core/styles';
import {
  type Exemplar,
  formatValue,
  type Unit,
} from '@nativestage/backstage-plugin-prometheus-common';
import { type KeyboardEvent, useState } from 'react';
import { createPortal } from 'react-dom';
import { fullTime } from './timeAxis';
import { useTimeZone } from './timeZone';
import { traceLink } from './traceLink';
import type { Extent } from './PlotProps';

/** Pixels. */
const SIZE = 9;

const useStyles = makeStyles(
  theme => ({
    dot: {
      position: 'absolute',
      boxSizing: 'border-box',
      width: SIZE,
      height: SIZE,
      margin: -SIZE / 2,
      padding: 0,
      border: `1px solid ${theme.palette.background.paper}`,
      background: theme.palette.text.primary,
      transform: 'rotate(45deg)',
      cursor: 'pointer',
      '&:hover, &:focus-visible': {
        zIndex: 1,
        background: theme.palette.primary.main,
        outline: `2px solid ${theme.palette.primary.main}`,
      },
    },
  }),
  { name: 'PrometheusExemplars' },
);

export interface Exemplars {
  exemplars: Exemplar[];
  /** Where a trace is shown: `https://traces.example/trace/{{trace_id}}`. */
  traceUrl?: string;
}

export interface ExemplarDotsProps extends Exemplars {
  unit?: Unit;
  extent: Extent;
}

/**
 * The traces that stand for samples, where they happened. What a counter's exemplar counts is not on
 * the axis of its rate: such dots stand at the plot's edge.
 */
export function ExemplarDots({
  exemplars,
  traceUrl,
  unit,
  extent,
}: ExemplarDotsProps) {
  const classes = useStyles();
  const timeZone = useTimeZone();
  // One stop for Tab; the arrows go on from there.
  const [stop, setStop] = useState(0);
  const [from, to] = extent.x;
  const inSight = exemplars.filter(
    ({ timestamp }) => timestamp >= from && timestamp <= to,
  );
  return createPortal(
    <div role="group" aria-label="Exemplars" onKeyDown={moveFocus}>
      {inSight.map((exemplar, index) => {
        const { timestamp, value, labels } = exemplar;
        const link = traceLink(traceUrl, labels);
        const text = [
          fullTime(timestamp, { timeZone }),
          formatValue(value, unit),
          ...Object.entries(labels).map(([name, each]) => `${name}: ${each}`),
          ...(link ? ['Click to open the trace'] : []),
        ];
        const look = {
          className: classes.dot,
          title: text.join('\n'),
          'aria-label': text.join(', '),
          tabIndex: index === Math.min(stop, inSight.length - 1) ? 0 : -1,
          onFocus: () => setStop(index),
          style: {
            left: `${((timestamp - from) / (to - from || 1)) * 100}%`,
            bottom: `${placeOf(value, extent) * 100}%`,
          },
        };
        const key = `${timestamp} ${JSON.stringify(labels)}`;
        return link ? (
          <a
            key={key}
            {...look}
            href={link}
            target="_blank"
            rel="noopener noreferrer"
          />
        ) : (
          <span key={key} role="img" {...look} />
        );
      })}
    </div>,
    extent.over,
  );
}

function placeOf(value: number | null, { heightOf }: Extent): number {
  const place = value === null ? 0 : heightOf(value);
  return Number.isNaN(place) ? 0 : Math.max(0, Math.min(1, place));
}

function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const dots = [...event.currentTarget.children] as HTMLElement[];
  const at = dots.indexOf(event.target as HTMLElement);
  const next = { ArrowLeft: at - 1, ArrowRight: at + 1 }[event.key];
  // Not the plot's keys either: they move the crosshair.
  event.stopPropagation();
  if (at !== -1 && next !== undefined) {
    event.preventDefault();
    dots[next]?.focus();
  }
}
