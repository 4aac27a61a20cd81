import assert from 'node:assert/strict';
import test from 'node:test';
import { legendOrder, type LegendSort, nextSort } from './legendOrder';

const names = ['pod-10', 'pod-9', 'idle', 'pod-1'];
const series = [
  { labels: { pod: 'pod-10', zone: 'a' }, values: [1, 5] },
  { labels: { pod: 'pod-9', zone: 'b' }, values: [9, 2] },
  { labels: { pod: 'idle', zone: 'a' }, values: [null, null] },
  { labels: { pod: 'pod-1', zone: 'b' }, values: [3, 3] },
];
const named = (options: { sort?: LegendSort; filter?: string }) =>
  legendOrder(series, names, options).map(index => names[index]);

test('without a choice series stand as they came', () => {
  assert.deepEqual(named({}), names);
});

test('names are sorted by the numbers in them', () => {
  assert.deepEqual(named({ sort: { by: 'name', isDescending: false } }), [
    'idle',
    'pod-1',
    'pod-9',
    'pod-10',
  ]);
});

test('series without a value come last, whichever way figures are sorted', () => {
  const sorted = (isDescending: boolean) =>
    named({ sort: { by: 'last', isDescending } });
  assert.deepEqual(sorted(true), ['pod-10', 'pod-1', 'pod-9', 'idle']);
  assert.deepEqual(sorted(false), ['pod-9', 'pod-1', 'pod-10', 'idle']);
});

test('a filter wants each of its words, in names and labels', () => {
  assert.deepEqual(named({ filter: 'POD-1' }), ['pod-10', 'pod-1']);
  assert.deepEqual(named({ filter: 'zone="b" 9' }), ['pod-9']);
  assert.deepEqual(named({ filter: 'nothing' }), []);
});

test('a column sorts one way, then the other, then not', () => {
  const first = nextSort(undefined, 'max');
  assert.deepEqual(first, { by: 'max', isDescending: true });
  const second = nextSort(first, 'max');
  assert.deepEqual(second, { by: 'max', isDescending: false });
  assert.equal(nextSort(second, 'max'), undefined);
  assert.deepEqual(nextSort(second, 'name'), {
    by: 'name',
    isDescending: false,
  });
});
