import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OtlpReceiver } from '../support/OtlpReceiver';
import { runNode } from '../support/Program';

test('instruments used before the configuration deliver every value, under its views', async t => {
  const receiver = await OtlpReceiver.start(t);
  const ending = await runNode(t, 'lifecycle/early.cjs', {
    args: [receiver.url],
  });
  assert.equal(ending.code, 0, ending.stderr);

  assert.equal(receiver.value('early.counter'), 1_200_001);
  assert.equal(receiver.value('early.gauge', { room: 'hall' }), 2);

  // 1.2 million samples: far more than wait in blocks before a configuration.
  const even = receiver.point('early.histogram', { parity: '0' });
  const odd = receiver.point('early.histogram', { parity: '1' });
  assert.equal(Number(even.count) + Number(odd.count), 1_200_001);
  assert.equal(odd.sum, 600_000 * 600_000);
  assert.deepEqual(
    odd.bucketCounts?.map(Number),
    [125_000, 125_000, 125_000, 225_000],
  );
  assert.deepEqual([odd.min, odd.max], [1, 1_199_999]);

  const reshaped = receiver.point('early.reshaped');
  assert.deepEqual(reshaped.explicitBounds, [100, 900]);
  assert.deepEqual(reshaped.bucketCounts?.map(Number), [100, 800, 101]);
  assert.equal(reshaped.sum, 500_500 + 1000);

  assert.equal(receiver.value('early.summed'), 500_500);
  assert.equal(receiver.value('early.filtered', { keep: 'yes' }), 1000);

  // A counter's cell holds one sum until its view is known: the sum is right, and each hand-over
  // counts as one value.
  const bucketed = receiver.point('early.bucketed');
  assert.equal(bucketed.sum, 500_500);

  // A handle bound before the configuration finds its way to what the view asks for.
  const bound = receiver.point('early.bound', { a: '1' });
  assert.deepEqual(bound.bucketCounts?.map(Number), [3, 0]);
  assert.equal(bound.sum, 6);

  const names = receiver.metrics.map(({ name }) => name);
  assert.ok(!names.includes('early.dropped'), names.join());
});
