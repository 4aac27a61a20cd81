import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  between,
  formatDuration,
  formatSpan,
  parseDuration,
  parseSpan,
  readSpan,
  shift,
  toRange,
  zoomOut,
} from './TimeSpan';

const NOW = 1_700_000_000;

describe('a time span', () => {
  it('ends now if it is relative', () => {
    assert.deepEqual(toRange({ last: 60 }, NOW), { start: NOW - 60, end: NOW });
    assert.deepEqual(toRange({ start: 1, end: 2 }, NOW), { start: 1, end: 2 });
  });

  it('reads in an address as people write it', () => {
    assert.equal(formatSpan({ last: 5400 }), '90m');
    assert.equal(
      formatSpan({ start: NOW, end: NOW + 60 }),
      '2023-11-14T22:13:20Z/2023-11-14T22:14:20Z',
    );
  });

  it('comes back from an address as it was', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.integer({ min: 1, max: 900_000 }).map(last => ({ last })),
          fc
            .tuple(fc.nat(4e9), fc.integer({ min: 1, max: 1e7 }))
            .map(([start, length]) => ({ start, end: start + length })),
        ),
        span => assert.deepEqual(parseSpan(formatSpan(span)), span),
      ),
    );
  });

  for (const text of [
    '',
    '0m',
    '1.5h',
    '-1h',
    '5x',
    'a/b',
    '2023-11-14/2023-11-13',
    '1h/2h',
  ]) {
    it(`is not "${text}"`, () => assert.equal(parseSpan(text), undefined));
  }

  it('is read as people type it', () => {
    for (const [text, span] of [
      ['now-6h', { last: 21_600 }],
      [' now - 6h to now ', { last: 21_600 }],
      ['now-2d to now-1d', { last: 86_400, ago: 86_400 }],
      ['now-2d/now-1d', { last: 86_400, ago: 86_400 }],
      [
        '2023-11-14T22:13:20Z to 2023-11-14T22:14:20Z',
        { start: NOW, end: NOW + 60 },
      ],
    ] as const) {
      assert.deepEqual(parseSpan(text), span, text);
    }
    for (const text of [
      'now',
      'now-1d to now-2d',
      'now-1x',
      'now+1h',
      'yesterday',
    ]) {
      assert.equal(parseSpan(text), undefined, text);
    }
  });

  it('that ended before now moves with it, and comes back from an address', () => {
    const span = { last: 3600, ago: 7200 };
    assert.deepEqual(toRange(span, NOW), {
      start: NOW - 10_800,
      end: NOW - 7200,
    });
    assert.deepEqual(parseSpan(formatSpan(span)), span);
  });

  it('moves by half, and doubles around its middle', () => {
    const span = { start: NOW, end: NOW + 100 };
    assert.deepEqual(shift(span, 1, NOW + 500), {
      start: NOW + 50,
      end: NOW + 150,
    });
    assert.deepEqual(shift(span, -1, NOW), { start: NOW - 50, end: NOW + 50 });
    assert.deepEqual(zoomOut(span), { start: NOW - 50, end: NOW + 150 });
    assert.deepEqual(zoomOut({ last: 60 }), { last: 120 });
  });

  it('ends now at the latest', () => {
    assert.deepEqual(shift({ last: 100 }, 1, NOW), { last: 100 });
    const recent = { start: NOW - 120, end: NOW - 20 };
    assert.deepEqual(shift(recent, 1, NOW), { last: 100 });
    assert.deepEqual(zoomOut(recent, NOW), { last: 200 });
    assert.deepEqual(toRange({ start: NOW - 60, end: NOW + 60 }, NOW), {
      start: NOW - 60,
      end: NOW,
    });
    const span = { start: NOW, end: NOW + 60 };
    assert.equal(readSpan(formatSpan(span), NOW), undefined);
    assert.deepEqual(readSpan(formatSpan(span), NOW + 1), span);
    assert.deepEqual(readSpan('1h', NOW), { last: 3600 });
  });

  it('is at least ten seconds', () => {
    assert.deepEqual(between({ start: NOW + 1, end: NOW + 3 }), {
      start: NOW - 3,
      end: NOW + 7,
    });
  });
});

describe('a duration', () => {
  for (const [seconds, text] of [
    [1, '1s'],
    [90, '90s'],
    [300, '5m'],
    [7200, '2h'],
    [86_400, '1d'],
    [604_800, '1w'],
  ] as const) {
    it(`of ${seconds} seconds is ${text}`, () => {
      assert.equal(formatDuration(seconds), text);
      assert.equal(parseDuration(text), seconds);
    });
  }
});
