import { machine } from './measure.mjs';
import { benchRecord } from './record.mjs';

console.log(machine());
const { rows, missed } = await benchRecord(process.argv[2]);
console.table(rows);
for (const miss of missed) {
  console.log(`missed: ${miss}`);
}
process.exitCode = missed.length > 0 ? 1 : 0;
