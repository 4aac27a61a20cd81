import assert from 'node:assert/strict';
import test from 'node:test';
import { toCsv } from './toCsv';

const csv = (labels: Record<string, string>, values: (number | null)[] = []) =>
  toCsv({
    timestamps: values.map((_, index) => index * 60),
    series: [{ labels, values }],
  });

test('a line for each timestamp, a column for each series, gaps empty', () => {
  assert.equal(
    toCsv({
      timestamps: [1_700_000_000, 1_700_000_060],
      series: [
        { labels: { __name__: 'up' }, values: [1, null] },
        { labels: {}, values: [-0.5, 1e21] },
      ],
    }),
    'time,up,value\r\n2023-11-14T22:13:20.000Z,1,-0.5\r\n2023-11-14T22:14:20.000Z,,1e+21\r\n',
  );
});

test('quotes, commas and line ends are quoted', () => {
  assert.equal(
    csv({ __name__: 'up', a: 'x,"y"\n' }),
    'time,"up{a=""x,\\""y\\""\\n""}"\r\n',
  );
});

test('no header is a formula, whatever a label or a metric is called', () => {
  for (const start of ['=', '+', '-', '@', '\t', '\r']) {
    const name = `${start}cmd()`;
    const sets: Record<string, string>[] = [
      { __name__: name },
      { [name]: '1' },
      { a: name },
    ];
    for (const labels of sets) {
      assert.match(csv(labels), /^time,"?[{A-Za-z_]/);
    }
  }
});

test('infinities and NaN are written out', () => {
  const values = [null, null, null, null, 1];
  const nonFinite = { '+Inf': [0], '-Inf': [1], NaN: [2] };
  const text = toCsv({
    timestamps: [0, 1, 2, 3, 4],
    series: [{ labels: {}, values, nonFinite }],
  });
  assert.deepEqual(
    text.split('\r\n').map(line => line.split(',')[1]),
    ['value', 'Infinity', '-Infinity', 'NaN', '', '1', undefined],
  );
});

test('a number is no formula', () => {
  assert.match(csv({}, [-1]), /,-1\r\n$/);
});
