// What one export costs on all threads together, beside the OpenTelemetry JS SDK.
import { exportRounds } from './exportRounds.mjs';
import { median, ratio } from './measure.mjs';
import { runAlone } from './section.mjs';

const SERIES = 100_000;
const ROUNDS = 9;

const TARGET = 1 / 2;

export async function benchExportCpu() {
  const rows = [];
  const targets = [];
  for (const kind of ['counter', 'histogram']) {
    const { ours, 'JS SDK': jsSdk } = await exportRounds({
      kind,
      series: SERIES,
      exports: ROUNDS,
    });
    const of = (side, what) => side.exports.map(round => round[what]);
    const shown = (side, what) => median(of(side, what)).toFixed(0);
    const megabytes = side => (median(of(side, 'bytes')) / 1e6).toFixed(1);
    const found = ratio(of(ours, 'cpu'), of(jsSdk, 'cpu'));
    rows.push({
      case: kind === 'counter' ? 'counters' : 'histograms, 15 buckets',
      'ours CPU ms': shown(ours, 'cpu'),
      'JS SDK CPU ms': shown(jsSdk, 'cpu'),
      '× JS SDK': found.toFixed(2),
      'ours takes ms': shown(ours, 'wall'),
      'JS SDK takes ms': shown(jsSdk, 'wall'),
      'ours MB': megabytes(ours),
      'JS SDK MB': megabytes(jsSdk),
    });
    targets.push({
      what: `CPU of an export of ${SERIES} ${kind}s, of the JS SDK's`,
      found,
      atMost: TARGET,
    });
  }
  return {
    title: 'CPU of one export',
    meaning:
      `Processor time, on all threads, to collect, encode and send ${SERIES} series over OTLP ` +
      '(http/protobuf, not compressed) after all were recorded in.',
    rows,
    targets,
  };
}

await runAlone(import.meta, benchExportCpu);
