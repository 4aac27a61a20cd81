// What it costs a process to load and start us, beside OpenTelemetry's Node SDK.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runAlone } from './section.mjs';
import { median } from './measure.mjs';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const RUNS = 11;
const TARGET = 1 / 5;

const PROGRAMS = {
  nothing: '0',
  ours: "require('../../dist/register.js')",
  'ours, configured': `
    const { configure } = require('../../dist/sdk.js');
    configure({ exporters: { prometheus: { port: 0 } } })`,
  'sdk-node': `
    const { NodeSDK } = require('@opentelemetry/sdk-node');
    const { PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics');
    const { OTLPMetricExporter } = require('@opentelemetry/exporter-metrics-otlp-proto');
    const exporter = new OTLPMetricExporter();
    new NodeSDK({
      metricReaders: [new PeriodicExportingMetricReader({ exporter })],
      instrumentations: [],
    }).start()`,
};

/** Prints the processor time of all threads, as the last thing a process does. */
const CPU = `process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  console.log((user + system) / 1000);
})`;

/** Prints what a counter of the global provider is, by the API that a side depends on. */
const works = name => `
  const { metrics } = require('${name.startsWith('ours') ? '../../node_modules/' : ''}@opentelemetry/api');
  console.log(metrics.getMeterProvider().getMeter('x').createCounter('y').constructor.name);
  process.exit()`;

async function run(...statements) {
  const start = process.hrtime.bigint();
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['-e', statements.join(';\n')],
    // Only metrics are compared.
    { cwd: FOLDER, env: { ...process.env, OTEL_TRACES_EXPORTER: 'none' } },
  );
  return {
    wall: Number(process.hrtime.bigint() - start) / 1e6,
    answer: stdout.trim(),
  };
}

export async function benchLoad() {
  const names = Object.keys(PROGRAMS);
  for (const name of names) {
    const { answer } = await run(PROGRAMS[name], works(name));
    const isNoop = answer.startsWith('Noop');
    assert.equal(isNoop, name === 'nothing', `${name} makes a ${answer}`);
  }
  const times = Object.fromEntries(
    names.map(name => [name, { wall: [], cpu: [] }]),
  );
  for (let round = 0; round < RUNS; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length];
      const { wall, answer } = await run(PROGRAMS[name], CPU);
      times[name].wall.push(wall);
      times[name].cpu.push(Number(answer));
    }
  }
  const extra = (name, what) =>
    median(times[name][what]) - median(times.nothing[what]);
  return {
    meaning:
      'Milliseconds that `require("@nativestage/metrics/register")` adds to a process that does nothing else, from its start to its end, beside loading and starting `@opentelemetry/sdk-node` with a periodic OTLP metric reader. ' +
      'Configured means that we also serve a Prometheus page.',
    rows: names.slice(1).map(name => ({
      case: name,
      'ms wall': extra(name, 'wall').toFixed(1),
      'ms CPU': extra(name, 'cpu').toFixed(1),
    })),
    targets: ['wall', 'cpu'].map(what => ({
      what: `${what === 'wall' ? 'time' : 'processor time'} to load and start, against sdk-node`,
      found: extra('ours', what) / extra('sdk-node', what),
      atMost: TARGET,
    })),
  };
}

await runAlone(import.meta, benchLoad);
