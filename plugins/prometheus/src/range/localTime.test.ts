import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { fromLocal, momentsOf, offsetOf, toLocal } from './localTime';

/** Summer time ended then, at three in the morning of 29 October 2023. */
const END_OF_SUMMER = Date.UTC(2023, 9, 29, 1) / 1000;

describe('local time in Berlin', () => {
  const zone = process.env.TZ;
  before(() => {
    process.env.TZ = 'Europe/Berlin';
  });
  after(() => {
    process.env.TZ = zone;
  });

  it('comes back as the moment that it was, also in the hour that comes twice', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.integer({ min: -7200, max: 7200 }).map(at => END_OF_SUMMER + at),
          fc.integer({ min: 0, max: 4e9 }),
          fc.double({ min: 0, max: 4e9, noNaN: true }),
        ),
        moment => assert.equal(fromLocal(toLocal(moment), moment), moment),
      ),
    );
  });

  it('is two moments in the hour that comes twice, and one otherwise', () => {
    assert.deepEqual(momentsOf('2023-10-29T02:30:00').map(offsetOf), [
      'UTC+02:00',
      'UTC+01:00',
    ]);
    assert.deepEqual(momentsOf('2023-10-29T02:30').length, 2);
    assert.deepEqual(momentsOf('2023-10-29T03:30:00').length, 1);
    assert.deepEqual(momentsOf('2023-03-26T02:30:00').length, 1);
    assert.deepEqual(momentsOf(''), []);
    assert.equal(fromLocal('', 5), NaN);
  });

  it('keeps its offset when it is changed within that hour', () => {
    const second = END_OF_SUMMER + 1800;
    assert.equal(toLocal(second), '2023-10-29T02:30:00');
    assert.equal(fromLocal('2023-10-29T02:40:00', second), second + 600);
    const first = second - 3600;
    assert.equal(fromLocal('2023-10-29T02:40:00', first), first + 600);
  });
});
