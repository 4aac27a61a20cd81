import { alpha } from '@material-ui/core/styles';
import uPlot from 'uplot';
import { isolatedPoints } from './isolatedPoints';

/** How much of the paper covers the other series. */
const COVER = 0.65;

/** Pixels. */
const LINE = 2.5;
const POINT = 3;

/** Draws one series into the layer: the canvas is that of the plot, moved. */
export type DrawSeries = (
  ctx: CanvasRenderingContext2D,
  chart: uPlot,
  series: number,
) => void;

/**
 * Points one series out, by a layer of paper above all of them on which only that one is drawn. The
 * plot itself is not drawn again: 40 ms for 200 lines would be too much to hover.
 */
export class Highlight {
  private readonly canvas = document.createElement('canvas');
  private series: number | undefined;

  constructor(
    private readonly chart: uPlot,
    private readonly paper: string,
    private readonly drawSeries: DrawSeries,
  ) {
    this.canvas.dataset.testid = 'prometheus-highlight';
    this.canvas.style.display = 'none';
    chart.over.prepend(this.canvas);
  }

  /** @param series where it is in the data */
  show(series: number | undefined): void {
    if (series !== this.series) {
      this.series = series;
      this.draw();
    }
  }

  /** Again, after the plot was drawn anew. */
  draw(): void {
    const { chart, canvas, series } = this;
    canvas.style.display = series === undefined ? 'none' : 'block';
    if (series === undefined) {
      return;
    }
    const { left, top, width, height } = chart.bbox;
    // This clears it as well.
    canvas.width = width;
    canvas.height = height;
    const ctx = canvas.getContext('2d');
    if (ctx) {
      ctx.fillStyle = alpha(this.paper, COVER);
      ctx.fillRect(0, 0, width, height);
      ctx.translate(-left, -top);
      this.drawSeries(ctx, chart, series);
    }
  }
}

/** A series as the plot has it, thicker. */
export function drawLine(
  ctx: CanvasRenderingContext2D,
  chart: uPlot,
  index: number,
): void {
  const series = chart.series[index + 1];
  const length = chart.data[0].length;
  if (!series?.show || !series.paths || length === 0) {
    return;
  }
  const color = String(colorOf(series.stroke, chart, index));
  const paths = series.paths(chart, index + 1, 0, length - 1);
  ctx.save();
  if (paths?.clip) {
    ctx.clip(paths.clip);
  }
  if (paths?.fill && series.fill) {
    ctx.fillStyle = String(colorOf(series.fill, chart, index));
    ctx.fill(paths.fill as Path2D);
  }
  if (paths?.stroke instanceof Path2D) {
    ctx.strokeStyle = color;
    ctx.lineWidth = LINE * uPlot.pxRatio;
    ctx.lineJoin = 'round';
    ctx.setLineDash((series.dash ?? []).map(part => part * uPlot.pxRatio));
    ctx.stroke(paths.stroke);
  }
  ctx.restore();
  ctx.fillStyle = color;
  for (const at of isolatedPoints(chart.data[index + 1]) ?? []) {
    const x = chart.valToPos(chart.data[0][at], 'x', true);
    const y = chart.valToPos(chart.data[index + 1][at] ?? 0, 'y', true);
    ctx.beginPath();
    ctx.arc(x, y, POINT * uPlot.pxRatio, 0, 2 * Math.PI);
    ctx.fill();
  }
}

/** uPlot makes functions of all colors. */
function colorOf(
  color: uPlot.Series.Stroke | uPlot.Series.Fill | undefined,
  chart: uPlot,
  index: number,
): unknown {
  return typeof color === 'function' ? color(chart, index + 1) : color;
}
