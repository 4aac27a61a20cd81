// What it costs that a record may become an exemplar of the span that is active.
import { runChild } from './child.mjs';
import { median } from './measure.mjs';
import { runAlone } from './section.mjs';

/** Of two that are alike the one made later takes up to a tenth longer: each is that in half of them. */
const RUNS = 6;

/** @param node - The Node to run on. */
export async function benchExemplars(node = process.execPath) {
  const rows = [];
  const targets = [];
  for (const kind of ['counter', 'histogram']) {
    const runs = [];
    for (let run = 0; run < RUNS; run++) {
      const first = run % 2 === 0 ? 'off' : 'on';
      runs.push(await runChild('exemplarsCase.mjs', { kind, first }, { node }));
    }
    const of = what => median(runs.map(run => run[what]));
    rows.push({
      case: `${kind}, 2 attributes, within a sampled span`,
      'exemplars off, ns': of('off').toFixed(1),
      'exemplars on, ns': of('on').toFixed(1),
      'on ÷ off': of('ratio').toFixed(2),
    });
    targets.push({
      what: `${kind}: a record with exemplars on ÷ off`,
      found: of('ratio'),
      atMost: 1.15,
    });
  }
  return {
    meaning:
      'What a record costs within a sampled span of OpenTelemetry’s tracer for Node, with exemplars of the filter `trace_based` and without any.',
    rows,
    targets,
  };
}

await runAlone(import.meta, benchExemplars);
