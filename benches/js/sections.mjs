// Everything that `npm run bench` measures, in the order of docs/benchmarks.md. Modules are loaded when
// they run, so that the titles can be had without the rivals.
import { existsSync } from 'node:fs';
import { node24 } from '../../scripts/tools.mjs';

const from = (module, bench) => async () => (await import(module))[bench]();

export const sections = [
  {
    title: 'One record',
    bench: from('./record.mjs', 'benchRecord'),
  },
  {
    title: 'One record on Node 24',
    async bench() {
      if (!existsSync(node24)) {
        throw new Error('Node 24 is missing: run `npm run tools` first');
      }
      return (await import('./record.mjs')).benchRecord(node24);
    },
  },
  { title: 'Two readers', bench: from('./readers.mjs', 'benchReaders') },
  { title: 'A bound instrument', bench: from('./bound.mjs', 'benchBound') },
  {
    title: 'The first record of a series',
    bench: from('./setup.mjs', 'benchSetup'),
  },
  {
    title: 'The event loop during an export',
    bench: from('./blocked.mjs', 'benchBlocked'),
  },
  {
    title: 'A server that exports every second',
    bench: from('./latency.mjs', 'benchLatency'),
  },
  {
    title: 'The CPU of an export',
    bench: from('./exportCpu.mjs', 'benchExportCpu'),
  },
  {
    title: 'A Prometheus page of 40 000 points',
    bench: from('./prometheusPage.mjs', 'benchPrometheusPage'),
  },
  { title: 'Memory of a series', bench: from('./memory.mjs', 'benchMemory') },
  { title: 'A cardinality attack', bench: from('./attack.mjs', 'benchAttack') },
  {
    title: 'Series that come and go',
    bench: from('./churn.mjs', 'benchChurn'),
  },
  { title: 'Loading', bench: from('./load.mjs', 'benchLoad') },
  { title: 'Size', bench: from('./size.mjs', 'benchSize') },
];
