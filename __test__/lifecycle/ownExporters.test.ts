// What becomes of an exporter in JavaScript when its thread ends.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { runNode } from '../support/Program';

async function endingOf(t: TestContext, how: string) {
  const ending = await runNode(t, 'lifecycle/own-exporter.cjs', {
    args: [how],
  });
  assert.equal(ending.code, 0, ending.stderr);
  const lines = (text: string) => text.split('\n').filter(Boolean);
  return { said: lines(ending.stdout), errors: lines(ending.stderr) };
}

describe('an exporter in JavaScript', { concurrency: 2 }, () => {
  test('exports before a program ends by itself', async t => {
    const { said, errors } = await endingOf(t, 'ends');
    assert.deepEqual(said, ['main exported 1']);
    assert.deepEqual(errors, []);
  });

  test('exports again where a program went on after that', async t => {
    const { said, errors } = await endingOf(t, 'goes-on');
    assert.deepEqual(said, ['main exported 1', 'main exported 2']);
    assert.deepEqual(errors, []);
  });

  test('exports and shuts down with the provider', async t => {
    const { said, errors } = await endingOf(t, 'shuts-down');
    assert.deepEqual(said, ['main exported 1', 'main shut down']);
    assert.deepEqual(errors, []);
  });

  test('says what process.exit() does not let it export', async t => {
    const { said, errors } = await endingOf(t, 'exits');
    assert.deepEqual(said, []);
    assert.match(
      errors.join('\n'),
      /the last metrics before exit were not delivered: export to "audit" failed: .*call shutdown\(\) before/,
    );
  });

  test('of a worker exports before that ends, and goes with it', async t => {
    const { said, errors } = await endingOf(t, 'has-worker');
    assert.deepEqual([...new Set(said)].sort(), [
      'main exported 2',
      'worker exported 2',
    ]);
    assert.deepEqual(errors, []);
  });
});
