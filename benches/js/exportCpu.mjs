// What one export costs on all threads together, beside the OpenTelemetry JS SDK.
import { exportRounds } from './exportRounds.mjs';
import { median, ratio } from './measure.mjs';
import { runAlone } from './section.mjs';

const SERIES = 100_000;
const ROUNDS = 9;

const CASES = [
  { kind: 'counter', isCold: false, what: 'counters', atMost: 0.06 },
  {
    kind: 'histogram',
    isCold: false,
    what: 'histograms, 15 buckets',
    atMost: 0.08,
  },
  { kind: 'counter', isCold: true, what: 'counters, cold' },
  { kind: 'histogram', isCold: true, what: 'histograms, cold' },
];

export async function benchExportCpu() {
  const rows = [];
  const targets = [];
  for (const { kind, isCold, what: title, atMost } of CASES) {
    const { ours, 'JS SDK': jsSdk } = await exportRounds({
      kind,
      series: SERIES,
      exports: ROUNDS,
      isCold,
    });
    const of = (side, what) => side.exports.map(round => round[what]);
    const shown = (side, what) => median(of(side, what)).toFixed(0);
    const megabytes = side => (median(of(side, 'bytes')) / 1e6).toFixed(1);
    const found = ratio(of(ours, 'cpu'), of(jsSdk, 'cpu'));
    rows.push({
      case: title,
      'ours CPU ms': shown(ours, 'cpu'),
      'JS SDK CPU ms': shown(jsSdk, 'cpu'),
      '× JS SDK': found.toFixed(2),
      'ours takes ms': shown(ours, 'wall'),
      'JS SDK takes ms': shown(jsSdk, 'wall'),
      'ours MB': megabytes(ours),
      'JS SDK MB': megabytes(jsSdk),
    });
    if (atMost !== undefined) {
      const what = `CPU of an export of ${SERIES} ${kind}s, of the JS SDK's`;
      targets.push({ what, found, atMost });
    }
  }
  return {
    meaning:
      `Processor time, on all threads, to collect, encode and send ${SERIES} series over OTLP ` +
      '(http/protobuf, not compressed) after all were recorded in. Cold: other memory of 128 MiB was written in between, so that nothing of it is in a cache.',
    rows,
    targets,
  };
}

await runAlone(import.meta, benchExportCpu);
