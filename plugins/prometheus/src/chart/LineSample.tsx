import type { SeriesStyle } from './colors';

/** A piece of a series' line. */
export function LineSample({ style: { color, dash } }: { style: SeriesStyle }) {
  return (
    <svg width="18" height="8" aria-hidden focusable="false">
      <line
        x1="0"
        x2="18"
        y1="4"
        y2="4"
        stroke={color}
        strokeWidth="3"
        strokeDasharray={dash?.join(' ')}
      />
    </svg>
  );
}
