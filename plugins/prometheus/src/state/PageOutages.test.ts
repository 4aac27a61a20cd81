import assert from 'node:assert/strict';
import { it } from 'node:test';
import { PageOutages } from './PageOutages';
import type { Problem } from './problemOf';

const problem = (detail: string): Problem => ({
  title: 'Prometheus did not answer',
  detail,
  isTransient: true,
});

it('has one part say what several lack, the next when that has it, and each its own', () => {
  const page = new PageOutages();
  const down = problem('It cannot be reached (ECONNREFUSED)');
  const broken = problem('It cannot be reached (UND_ERR_SOCKET)');
  const other = problem('Another one cannot be reached');
  page.report('a', { problem: down });
  page.report('b', { problem: broken });
  page.report('c', { problem: other });
  assert.deepEqual(
    [down, broken, other].map(one => page.sayerOf(one)),
    ['a', 'a', 'c'],
  );
  page.report('a');
  assert.equal(page.sayerOf(down), 'b');
  page.report('b');
  assert.equal(page.sayerOf(down), undefined);
});

it('tries again all that have the problem, from where that can be done', () => {
  const page = new PageOutages();
  const tried: string[] = [];
  const down = problem('a');
  page.report('note', { problem: down });
  for (const part of ['first', 'second']) {
    page.report(part, { problem: down, onRetry: () => tried.push(part) });
  }
  page.report('other', {
    problem: problem('b'),
    onRetry: () => tried.push('other'),
  });
  assert.equal(page.sayerOf(down), 'first');
  page.retry(down);
  assert.deepEqual(tried, ['first', 'second']);
});

it('tells of changes until nobody wants to know', () => {
  const page = new PageOutages();
  let count = 0;
  const end = page.subscribe(() => count++);
  page.report('a', { problem: problem('a') });
  page.report('a');
  end();
  page.report('a', { problem: problem('a') });
  assert.equal(count, 2);
});
