// Stands in for `uplot`: the real one, and a record of what is made of it.
import uPlot from '../../../node_modules/uplot/dist/uPlot.esm.js';

export interface UplotRecord {
  created: number;
  destroyed: number;
  /** Weak, so that the record keeps no chart alive. */
  charts: WeakRef<uPlot>[];
}

declare global {
  // `let` makes no property of the global object.
  var uplots: UplotRecord;
}

globalThis.uplots = { created: 0, destroyed: 0, charts: [] };

export default new Proxy(uPlot, {
  construct(target, args: ConstructorParameters<typeof uPlot>) {
    const [options, ...rest] = args;
    const chart = new target(
      {
        ...options,
        plugins: [{ hooks: { destroy: () => void uplots.destroyed++ } }],
      },
      ...rest,
    );
    uplots.created++;
    uplots.charts.push(new WeakRef(chart));
    return chart;
  },
});
