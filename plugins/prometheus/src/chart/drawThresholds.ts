import type { Theme } from '@material-ui/core/styles';
import {
  formatValue,
  type Unit,
} from '@nativestage/backstage-plugin-prometheus-common';
import uPlot from 'uplot';
import type { Threshold } from './Threshold';

export interface ThresholdStyle {
  theme: Theme;
  font: string;
  unit?: Unit;
}

const DASH = [6, 4];

/** Pixels between a line and its label, and between the label and the plot's edge. */
const GAP = 4;

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
  for (const { value, label, severity } of thresholds) {
    if (value >= min && value <= max) {
      const y = Math.round(chart.valToPos(value, 'y', true));
      const isNearTop = y - bbox.top < 20 * scale;
      ctx.strokeStyle = thresholdColor(theme, severity);
      ctx.fillStyle = ctx.strokeStyle;
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.textBaseline = isNearTop ? 'top' : 'bottom';
      ctx.fillText(
        label ?? formatValue(value, unit),
        bbox.left + bbox.width - GAP * scale,
        y + (isNearTop ? GAP : -GAP / 2) * scale,
      );
    }
  }
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
function scaled(font: string, scale: number): string {
  return font.replace(
    /([\d.]+)px/,
    (_, size: string) => `${Number(size) * scale}px`,
  );
}
