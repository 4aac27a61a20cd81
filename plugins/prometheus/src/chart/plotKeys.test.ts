import assert from 'node:assert/strict';
import test from 'node:test';
import { plotAction, type Reading } from './plotKeys';

const LENGTH = 10;

function press(key: string, reading: Reading = {}, shiftKey = false) {
  return plotAction({ key, shiftKey }, reading, LENGTH);
}

const at = (place: number, from?: number) => ({
  type: 'read',
  reading: { at: place, from },
});

test('arrows begin at the newest and stop at the ends', () => {
  assert.deepEqual(press('ArrowLeft'), at(9));
  assert.deepEqual(press('ArrowLeft', { at: 9 }), at(8));
  assert.deepEqual(press('ArrowLeft', { at: 0 }), at(0));
  assert.deepEqual(press('ArrowRight', { at: 9 }), at(9));
  assert.deepEqual(press('Home', { at: 5 }), at(0));
  assert.deepEqual(press('End', { at: 5 }), at(9));
});

test('Shift selects from where the crosshair was', () => {
  assert.deepEqual(press('ArrowLeft', { at: 5 }, true), at(4, 5));
  assert.deepEqual(press('ArrowLeft', { at: 4, from: 5 }, true), at(3, 5));
  assert.deepEqual(press('ArrowLeft', { at: 4, from: 5 }), at(3));
});

test('Enter and Space zoom into a selection, whichever way it was made', () => {
  const zoom = { type: 'zoomIn', from: 3, to: 5 };
  assert.deepEqual(press('Enter', { at: 3, from: 5 }), zoom);
  assert.deepEqual(press(' ', { at: 5, from: 3 }), zoom);
});

test('Enter and Space pin the values of a crosshair without a selection', () => {
  assert.deepEqual(press('Enter', { at: 5, from: 5 }), { type: 'pin' });
  assert.deepEqual(press(' ', { at: 5 }), { type: 'pin' });
  assert.equal(press('Enter'), undefined);
});

test('Escape leaves the selection, then the crosshair, then the zoom', () => {
  assert.deepEqual(press('Escape', { at: 3, from: 5 }), {
    type: 'read',
    reading: { at: 3 },
  });
  assert.deepEqual(press('Escape', { at: 3 }), { type: 'read', reading: {} });
  assert.deepEqual(press('Escape'), { type: 'zoomOut' });
  assert.deepEqual(press('Backspace', { at: 3 }), { type: 'zoomOut' });
});

test('other keys are not the plot’s, nor is any where nothing is drawn', () => {
  assert.equal(press('Tab'), undefined);
  assert.equal(press('ArrowUp'), undefined);
  assert.equal(
    plotAction({ key: 'ArrowLeft', shiftKey: false }, {}, 0),
    undefined,
  );
});
