import type { RangeSeries } from '@nativestage/backstage-plugin-prometheus-common';
import { STATUS_COLORS, statusClasses } from './statusColors';

/** How the line of a series is drawn. */
export interface SeriesStyle {
  color: string;
  /** Lengths of strokes and spaces in pixels; missing for a line without spaces. */
  dash?: number[];
}

/**
 * Each has a contrast of 3 and more to its paper, and any two stay apart for people with
 * protanopia, deuteranopia or tritanopia: by 0.09 in OKLab, where 0.02 is just noticeable. More
 * than eight colours would come closer, so dashes go on from there.
 */
export const PALETTES = {
  light: [
    '#394fc1',
    '#cc7200',
    '#1ea381',
    '#8d1071',
    '#b46de3',
    '#268099',
    '#9c5859',
    '#475411',
  ],
  dark: [
    '#69c1fc',
    '#fece96',
    '#4cab34',
    '#e662a8',
    '#ba73ea',
    '#64eff7',
    '#fb9797',
    '#b0cd26',
  ],
};

const DASHES = [undefined, [8, 4], [2, 3], [10, 3, 2, 3]];

/** @param index - where the series is in the data */
export function seriesStyle(
  index: number,
  paper: keyof typeof PALETTES,
): SeriesStyle {
  const palette = PALETTES[paper];
  const round = Math.floor(index / palette.length);
  return {
    color: palette[index % palette.length],
    // From the 33rd on none tells series apart, and solid lines take less time to draw.
    dash: DASHES[round],
  };
}

/**
 * The style of each series of a graph. Those of one status class share its color, and differ by their
 * dashes.
 *
 * @param dimension the label that names the series
 */
export function seriesStyles(
  series: Pick<RangeSeries, 'labels'>[],
  paper: keyof typeof PALETTES,
  dimension?: string,
): SeriesStyle[] {
  const classes = statusClasses(series, dimension);
  if (!classes) {
    return series.map((_, index) => seriesStyle(index, paper));
  }
  const seen: Record<string, number> = {};
  return classes.map(each => {
    const place = seen[each] ?? 0;
    seen[each] = place + 1;
    return { color: STATUS_COLORS[paper][each], dash: DASHES[place] };
  });
}
