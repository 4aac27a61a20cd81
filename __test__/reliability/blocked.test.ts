import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Collector } from '../support/Collector';
import { eventually } from '../support/eventually';
import { Program } from '../support/Program';

const LATE = 'nativestage.metrics.collections.late';

for (const seconds of [3, 30]) {
  const long = seconds > 10 && !process.env.METRICS_LONG_TESTS;
  test(
    `an event loop that is blocked for ${seconds} seconds costs its latest values only, and the log says so once`,
    { skip: long && 'set METRICS_LONG_TESTS to run it' },
    t => blocked(t, seconds * 1000),
  );
}

async function blocked(t: TestContext, milliseconds: number): Promise<void> {
  const collector = await Collector.start(t);
  const program = Program.node(t, 'reliability/blocked.cjs', {
    args: [collector.url, String(milliseconds)],
  });
  const [, url] = await program.line(/page at (\S+)/);
  await collector.until(() => collector.last('blocked.counter') === 1);
  program.send('block');

  // The first late collection is counted while it is read, so one push later it has arrived.
  await collector.until(() => (collector.last(LATE) ?? 0) >= 3);
  const pushes = collector.taken.length;
  const page = await (await fetch(url)).text();
  assert.match(page, /^blocked_counter_total\{.*\} 1$/m);
  assert.match(
    page,
    /^nativestage_metrics_collections_late_total\{.*\} ([3-9]|\d\d)/m,
  );
  await collector.until(() => collector.taken.length >= pushes + 2);
  assert.doesNotMatch(program.stdout, /unblocked/);
  assert.equal(collector.last('blocked.counter'), 1);

  await program.line(/unblocked/);
  await collector.until(() => collector.last('blocked.counter') === 3);
  const said = () => program.stdout + program.stderr;
  await eventually(() => assert.match(said(), /answers again/));
  const late = collector.last(LATE)!;
  assert.equal(said().match(/did not answer in time/g)?.length, 1, said());
  const [, seconds, collections] =
    /the event loop answers again, ([\d.]+) s after it was asked; (\d+) collections went on without it/.exec(
      said(),
    )!;
  assert.ok(Number(seconds) > (milliseconds / 1000) * 0.8, seconds);
  assert.ok(Number(collections) >= 4, collections);
  assert.ok(late >= 4, String(late));
}
