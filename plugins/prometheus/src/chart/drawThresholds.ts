import type { Theme } from '@material-ui/core/styles';
import type { Unit } from '@nativestage/backstage-plugin-prometheus-common';
import uPlot from 'uplot';
import { type Threshold, thresholdText } from './Threshold';

export interface ThresholdStyle {
  theme: Theme;
  font: string;
  unit?: Unit;
}

const DASH = [6, 4];

/** Pixels between a line and its label, and between the label and the plot's edge. */
const GAP = 4;

/** Pixels of paper around a label, both sides taken together. */
const HALO = 3;

/** Draws the lines that the value axis has room for, each with its label or its value. */
export function drawThresholds(
  chart: uPlot,
  thresholds: Threshold[],
  { theme, font, unit }: ThresholdStyle,
): void {
  const { ctx, bbox, scales } = chart;
  const { min = 0, max = 0 } = scales.y;
  const scale = uPlot.pxRatio;
  ctx.save();
  ctx.setLineDash(DASH.map(length => length * scale));
  ctx.lineWidth = scale;
  ctx.font = scaled(font, scale);
  ctx.textAlign = 'right';
  ctx.fillStyle = theme.palette.text.primary;
  for (const line of thresholds) {
    const { value, severity } = line;
    if (value >= min && value <= max) {
      // A line of one pixel is sharp between two pixels' edges.
      const y = Math.round(chart.valToPos(value, 'y', true)) + scale / 2;
      const isNearTop = y - bbox.top < 20 * scale;
      ctx.strokeStyle = thresholdColor(theme, severity);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.textBaseline = isNearTop ? 'top' : 'bottom';
      write(
        ctx,
        thresholdText(line, unit),
        bbox.left + bbox.width - GAP * scale,
        y + (isNearTop ? GAP : -GAP / 2) * scale,
        theme.palette.background.paper,
      );
    }
  }
  ctx.restore();
}

/** With paper around the letters, as lines of series may run through them. */
function write(
  ctx: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  paper: string,
): void {
  ctx.save();
  ctx.setLineDash([]);
  ctx.lineJoin = 'round';
  ctx.lineWidth *= HALO;
  ctx.strokeStyle = paper;
  ctx.strokeText(text, x, y);
  ctx.fillText(text, x, y);
  ctx.restore();
}

function thresholdColor(
  { palette }: Theme,
  severity: Threshold['severity'] = 'warning',
): string {
  const color = severity === 'critical' ? palette.error : palette.warning;
  return palette.type === 'dark' ? color.light : color.dark;
}

/** The canvas has device pixels. */
export function scaled(font: string, scale: number): string {
  return font.replace(
    /([\d.]+)px/,
    (_, size: string) => `${Number(size) * scale}px`,
  );
}
