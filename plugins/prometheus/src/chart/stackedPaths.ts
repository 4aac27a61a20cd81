import type uPlot from 'uplot';
import type { Layer } from './stack';

/**
 * Draws one layer of a stack: a line along its top, filled down to its base. uPlot's own bands fill
 * from one series to the next, and have nothing to end at where the lower one has a gap.
 *
 * @param layerOf - the layer of a series, as the data has it now
 */
export function stackedPaths(
  layerOf: (index: number) => Layer | undefined,
): uPlot.Series.PathBuilder {
  return (chart, seriesIndex) => {
    const stroke = new Path2D();
    const fill = new Path2D();
    const layer = layerOf(seriesIndex - 1);
    if (layer) {
      const x = (at: number) => chart.valToPos(chart.data[0][at], 'x', true);
      const y = (value: number) => chart.valToPos(value, 'y', true);
      for (const { from, to } of runs(layer.tops)) {
        const tops: [number, number][] = [];
        for (let at = from; at <= to; at++) {
          tops.push([x(at), y(layer.tops[at] ?? 0)]);
        }
        const bases = tops.map(([left], index): [number, number] => [
          left,
          y(layer.bases[from + index]),
        ]);
        draw(stroke, tops);
        draw(fill, [...tops, ...bases.reverse()]);
        fill.closePath();
      }
    }
    return { stroke, fill };
  };
}

/** Where values follow one another without a gap; both ends belong to it. */
export function runs(
  values: (number | null)[],
): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = [];
  values.forEach((value, at) => {
    const last = found[found.length - 1];
    if (value === null) {
      return;
    }
    if (last?.to === at - 1) {
      last.to = at;
    } else {
      found.push({ from: at, to: at });
    }
  });
  return found;
}

function draw(path: Path2D, points: [number, number][]): void {
  points.forEach(([x, y], index) =>
    index === 0 ? path.moveTo(x, y) : path.lineTo(x, y),
  );
}
