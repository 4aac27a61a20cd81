// Runs all benchmarks; fails when a target is missed. An argument picks cases of record.mjs.
import { readFileSync } from 'node:fs';
import { benchBound } from './bound.mjs';
import { machine } from './measure.mjs';
import { benchRecord } from './record.mjs';
import { benchSetup } from './setup.mjs';

const version = folder =>
  JSON.parse(readFileSync(new URL(`${folder}/package.json`, import.meta.url)))
    .version;

console.log(machine());
console.log(
  [
    `@nativestage/metrics ${version('../..')}`,
    `@opentelemetry/sdk-metrics ${version('node_modules/@opentelemetry/sdk-metrics')}`,
    `prom-client ${version('node_modules/prom-client')}`,
  ].join(', '),
);

const results = [await benchBound(), await benchSetup()];
results.push(await benchRecord(process.argv[2]));
for (const { rows, summary } of results) {
  console.table(rows);
  console.log(summary);
}
const missed = results.flatMap(result => result.missed);
for (const miss of missed) {
  console.log(`missed: ${miss}`);
}
process.exitCode = missed.length > 0 ? 1 : 0;
