import { alpha, type Theme } from '@material-ui/core/styles';
import {
  formatValue,
  type Unit,
  type ValueState,
} from '@nativestage/backstage-plugin-prometheus-common';
import uPlot from 'uplot';
import { PALETTES } from './colors';
import { scaled } from './drawThresholds';
import { STATUS_COLORS } from './statusColors';

/** Pixels of a row: as high as is comfortable, and as low as can be read. */
const COMFORTABLE = 40;
const LOWEST = 14;

/** The share of a row that is its bar. */
const BAR = 0.72;

export interface TimelineSpec {
  theme: Theme;
  names: string[];
  states: ValueState[];
  unit?: Unit;
  font: string;
  isShown: (series: number) => boolean;
}

/** Pixels of the rows of so many series. */
export function timelineHeight(series: number, isTight = false): number {
  return series * (isTight ? LOWEST : COMFORTABLE);
}

/** A stretch of time in which a series has one value. */
export interface Stretch {
  from: number;
  /** Where in the timestamps it ends; it does not belong to it. */
  to: number;
  value: number;
}

/** Stretches of equal values. A gap is none. */
export function stretches(
  values: ArrayLike<number | null | undefined>,
): Stretch[] {
  const found: Stretch[] = [];
  let last: Stretch | undefined;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? null;
    if (last && Object.is(last.value, value)) {
      last.to = at + 1;
    } else {
      last = value === null ? undefined : { from: at, to: at + 1, value };
      if (last) {
        found.push(last);
      }
    }
  }
  return found;
}

/** Draws a row for each series that is shown, with a bar for each stretch of equal values. */
export class Timeline {
  constructor(private readonly spec: TimelineSpec) {}

  /** The series whose row is there; pixels of the plotting area. */
  seriesAt(top: number, height: number): number | undefined {
    const rows = this.rows;
    return rows[Math.floor((top / height) * rows.length)];
  }

  draw(chart: uPlot): void {
    const { ctx } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(
      chart.bbox.left,
      chart.bbox.top,
      chart.bbox.width,
      chart.bbox.height,
    );
    ctx.clip();
    this.rows.forEach(series => this.drawRow(ctx, chart, series));
    ctx.restore();
  }

  drawRow(ctx: CanvasRenderingContext2D, chart: uPlot, series: number): void {
    const { rows } = this;
    const place = rows.indexOf(series);
    if (place === -1) {
      return;
    }
    const { theme, font, unit } = this.spec;
    const { top, height } = chart.bbox;
    const row = height / rows.length;
    const y = top + row * (place + (1 - BAR) / 2);
    const [times] = chart.data;
    const step = times.length > 1 ? times[1] - times[0] : 1;
    ctx.font = scaled(font, uPlot.pxRatio);
    ctx.textBaseline = 'middle';
    ctx.textAlign = 'left';
    for (const { from, to, value } of stretches(chart.data[series + 1])) {
      const left = chart.valToPos(times[from], 'x', true);
      const right = chart.valToPos(times[to - 1] + step, 'x', true);
      const width = Math.max(right - left - uPlot.pxRatio, uPlot.pxRatio);
      const state = this.spec.states.find(each => each.value === value);
      ctx.fillStyle = stateColor(theme, value, state);
      ctx.fillRect(left, y, width, row * BAR);
      const label = state?.label ?? formatValue(value, unit);
      if (ctx.measureText(label).width + 8 * uPlot.pxRatio < width) {
        ctx.fillStyle = theme.palette.getContrastText(
          opaque(theme, ctx.fillStyle),
        );
        ctx.fillText(label, left + 4 * uPlot.pxRatio, y + (row * BAR) / 2);
      }
    }
  }

  private get rows(): number[] {
    return this.spec.names.flatMap((_, index) =>
      this.spec.isShown(index) ? [index] : [],
    );
  }
}

/**
 * 0 is pale, what is infinite or NaN is gray, and every other value has a color of its own, where
 * nobody says what it stands for.
 */
function stateColor(
  theme: Theme,
  value: number,
  state: ValueState | undefined,
): string {
  const paper = theme.palette.type;
  if (state?.severity) {
    const { success, warning, error } = STATUS_COLORS[paper];
    return { ok: success, warning, critical: error }[state.severity];
  }
  if (!Number.isFinite(value)) {
    return theme.palette.grey[paper === 'dark' ? 400 : 700];
  }
  if (value === 0) {
    return alpha(theme.palette.text.secondary, 0.25);
  }
  const palette = PALETTES[paper];
  const place = Number.isInteger(value) ? Math.abs(value) - 1 : hash(value);
  return palette[place % palette.length];
}

function hash(value: number): number {
  return [...String(value)].reduce(
    (sum, character) => sum + character.charCodeAt(0),
    0,
  );
}

/** Material UI knows a text color only for what nothing shines through. */
function opaque({ palette }: Theme, color: string): string {
  return color.startsWith('rgba') ? palette.background.paper : color;
}
