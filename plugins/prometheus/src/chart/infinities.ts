import type { RangeSeries } from '@nativestage/backstage-plugin-prometheus-common';
import uPlot from 'uplot';

/** Where a series is infinite, and in which direction. */
export interface Infinite {
  /** Where it is in the data. */
  series: number;
  isPositive: boolean;
  /** Where in the timestamps. */
  places: number[];
}

/** Pixels of a mark. */
const SIZE = 6;

/** Pixels from one mark to the next, at the least. */
const APART = 12;

/** Pixels of the bar that says from when to when. */
const BAR = 1.5;

/** Of so many series the marks stand below one another; those of more stand on the last. */
const ROWS = 4;

export function infinitiesOf(series: RangeSeries[]): Infinite[] {
  return series.flatMap(({ nonFinite }, index) =>
    (['+Inf', '-Inf'] as const).flatMap(name => {
      const places = nonFinite?.[name] ?? [];
      return places.length > 0
        ? [{ series: index, isPositive: name === '+Inf', places }]
        : [];
    }),
  );
}

export interface InfinityStyle {
  colorOf: (series: number) => string;
  isShown: (series: number) => boolean;
  /** The one series whose marks are drawn, where the others are not. */
  only?: number;
}

/**
 * Marks infinities at the plot's upper or lower edge: they have no height, and a gap would say that
 * there is nothing.
 */
export function drawInfinities(
  ctx: CanvasRenderingContext2D,
  chart: uPlot,
  all: Infinite[],
  { colorOf, isShown, only }: InfinityStyle,
): void {
  const { left, top, width, height } = chart.bbox;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  for (const isPositive of [true, false]) {
    const shown = all.filter(
      one => one.isPositive === isPositive && isShown(one.series),
    );
    shown.forEach((one, row) => {
      if (only === undefined || only === one.series) {
        ctx.fillStyle = colorOf(one.series);
        drawMarks(ctx, chart, one, Math.min(row, ROWS - 1));
      }
    });
  }
  ctx.restore();
}

function drawMarks(
  ctx: CanvasRenderingContext2D,
  chart: uPlot,
  { isPositive, places }: Infinite,
  row: number,
): void {
  const { top, height } = chart.bbox;
  const scale = uPlot.pxRatio;
  const inward = isPositive ? 1 : -1;
  const edge =
    (isPositive ? top : top + height) +
    inward * scale * row * (SIZE + 2 * BAR + 1);
  let marked = -Infinity;
  for (const place of places) {
    const [from, at, to] = reachOf(chart, place);
    ctx.fillRect(
      from,
      isPositive ? edge : edge - BAR * scale,
      Math.max(to - from, scale),
      BAR * scale,
    );
    if (at - marked >= APART * scale) {
      marked = at;
      const tip = edge + inward * BAR * scale;
      const half = (SIZE / 2) * scale;
      ctx.beginPath();
      ctx.moveTo(at, tip);
      ctx.lineTo(at - half, tip + inward * SIZE * scale);
      ctx.lineTo(at + half, tip + inward * SIZE * scale);
      ctx.fill();
    }
  }
}

/** A place, and half way to its neighbours. */
function reachOf(chart: uPlot, place: number): [number, number, number] {
  const [times] = chart.data;
  const x = (at: number) => chart.valToPos(times[at], 'x', true);
  const at = x(place);
  const before = place > 0 ? x(place - 1) : at;
  const after = place < times.length - 1 ? x(place + 1) : at;
  return [(before + at) / 2, at, (at + after) / 2];
}
