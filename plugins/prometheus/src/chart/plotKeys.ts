/** What is read at the keyboard: places in the timestamps. */
export interface Reading {
  /** Where the crosshair is. */
  at?: number;
  /** Where a selection began that ends at the crosshair. */
  from?: number;
}

export type PlotAction =
  | { type: 'read'; reading: Reading }
  | { type: 'pin' }
  | { type: 'zoomIn'; from: number; to: number }
  | { type: 'zoomOut' };

export interface PlotKey {
  key: string;
  shiftKey: boolean;
}

/**
 * What a key does. Arrows, Home and End move the crosshair, with Shift they select; Enter or Space
 * zooms into what is selected, or else pins the values of the crosshair. Escape leaves the selection, then the crosshair, then the zoom;
 * Backspace leaves the zoom at once.
 *
 * @returns nothing for a key that is not the plot's
 */
export function plotAction(
  { key, shiftKey }: PlotKey,
  reading: Reading,
  length: number,
): PlotAction | undefined {
  const { at, from } = reading;
  const isSelection = at !== undefined && from !== undefined && at !== from;
  switch (key) {
    case 'Enter':
    case ' ':
      if (isSelection) {
        return {
          type: 'zoomIn',
          from: Math.min(from, at),
          to: Math.max(from, at),
        };
      }
      return at === undefined ? undefined : { type: 'pin' };
    case 'Backspace':
      return { type: 'zoomOut' };
    case 'Escape':
      if (at === undefined) {
        return { type: 'zoomOut' };
      }
      return { type: 'read', reading: isSelection ? { at } : {} };
    default: {
      const to = move(key, at, length);
      if (to === undefined) {
        return undefined;
      }
      const anchor = shiftKey ? (from ?? at ?? to) : undefined;
      return { type: 'read', reading: { at: to, from: anchor } };
    }
  }
}

/** The newest is where one begins. */
function move(
  key: string,
  at: number | undefined,
  length: number,
): number | undefined {
  const last = length - 1;
  if (last < 0) {
    return undefined;
  }
  switch (key) {
    case 'ArrowLeft':
      return at === undefined ? last : Math.max(0, at - 1);
    case 'ArrowRight':
      return at === undefined ? last : Math.min(last, at + 1);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return undefined;
  }
}
