import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from './problemOf';
import { sharedProblems } from './sharedProblems';

const down: Problem = {
  title: 'Prometheus did not answer',
  detail: 'a',
  isTransient: true,
};

test('what several parts have is one problem, and what one has is its own', () => {
  const other = { ...down, detail: 'b' };
  assert.deepEqual(sharedProblems([down, other, { ...down }]), [down]);
  assert.deepEqual(sharedProblems([down, other]), []);
  assert.deepEqual(sharedProblems([down, other, down, other]), [down, other]);
});

test('a connection that is refused and one that breaks off are one outage', () => {
  const [refused, broken] = ['ECONNREFUSED', 'UND_ERR_SOCKET'].map(code => ({
    ...down,
    detail: `The server cannot be reached (${code})`,
  }));
  assert.deepEqual(sharedProblems([refused, broken]), [broken]);
});
