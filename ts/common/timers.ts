/**
 * Node's own timers, taken when this is loaded: tests replace the global ones, and those of
 * `node:timers`, by timers that never fire, or that a jsdom numbers.
 */
import * as timers from 'node:timers';

export const {
  clearInterval,
  clearTimeout,
  setImmediate,
  setInterval,
  setTimeout,
} = timers;
