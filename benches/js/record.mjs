// What one `add` or `record` costs beside the OpenTelemetry JS SDK and the Prometheus clients.
import { runChild } from './child.mjs';
import { median } from './measure.mjs';
import { runAlone } from './section.mjs';

/** Processes a case: where a heap happens to lie changes what a process finds by a third. */
const PROCESSES = 2;

/** How many times cheaper than the SDKs and than the clients; without labels: as cheap. */
const target = (rival, { site, attributes }) => {
  if (rival.startsWith('JS SDK')) {
    return site === 'mono' ? 20 : 15;
  }
  return attributes === 0 ? 1 : 6;
};

const cases = ['mono', 'mega'].flatMap(site =>
  ['counter', 'histogram'].flatMap(kind =>
    [0, 1, 2, 3, 5, 10].map(attributes => ({ site, kind, attributes })),
  ),
);

/**
 * @param node - The Node to run on.
 * @param processes - How many of them a case.
 */
export async function benchRecord(
  node = process.execPath,
  processes = PROCESSES,
) {
  const rows = [];
  const targets = [];
  for (const options of cases) {
    const { site, kind, attributes } = options;
    const title = `${site} ${kind}, ${attributes} attributes`;
    const runs = [];
    for (let i = 0; i < processes; i++) {
      runs.push(await runCase(options, node));
    }
    const { series, names } = runs[0];
    const of = (key, name) => median(runs.map(run => run[key][name]));
    const row = { case: title, series };
    for (const name of names) {
      row[`${name}, ns`] = of('times', name).toFixed(1);
    }
    for (const rival of names.filter(name => name !== 'ours')) {
      const found = of('ratios', rival);
      row[`× ${rival}`] = found.toFixed(1);
      const what = `${title}: × ${rival}`;
      targets.push({ what, found, atLeast: target(rival, options) });
    }
    rows.push(row);
  }
  const floors = [];
  for (const site of ['mono', 'mega']) {
    const { times, ratios } = await runCase(
      { site, kind: 'counter', attributes: 10, floor: true },
      node,
    );
    floors.push(
      `${times['reading alone'].toFixed(1)} ns (${site}), the JS SDK's record ${ratios['JS SDK 2'].toFixed(1)} times as long`,
    );
  }
  return {
    notes: [
      `The floor for ten attributes, making the object and reading it without looking anything up: ${floors.join('; ')}.`,
    ],
    meaning:
      'What the event loop pays each time a program counts or measures something. "mono": a call site that always records on one instrument with one shape of attributes, as code of its own does; "mega": one that sees 16 instruments and shapes, as helpers do. Every record brings a fresh attribute object, whose making is part of the cost of each side; reading the value and the instrument is not.',
    rows,
    targets,
  };
}

/** Runs a case of recordCase.mjs: what a record costs by side, and the ratios to ours. */
export const runCase = (options, node) =>
  runChild('recordCase.mjs', options, { node });

await runAlone(import.meta, () => benchRecord(process.argv[2]));
