/** Points that Prometheus returns per series at the most; it refuses more. */
export const MAX_POINTS = 11_000;

const DAY = 86_400;

/** Seconds. Each divides a day, so that aligned ranges of one step share their timestamps. */
const LADDER = [
  1,
  2,
  5,
  10,
  15,
  20,
  30,
  60,
  2 * 60,
  5 * 60,
  10 * 60,
  15 * 60,
  20 * 60,
  30 * 60,
  3600,
  2 * 3600,
  3 * 3600,
  4 * 3600,
  6 * 3600,
  12 * 3600,
  DAY,
];

/** Seconds since 1970-01-01T00:00:00Z. */
export interface TimeRange {
  start: number;
  end: number;
}

/** A range on a grid: `start`, `start + step`, … `end`, all multiples of `step`. */
export interface AlignedRange extends TimeRange {
  /** Whole seconds. */
  step: number;
}

export interface StepOptions extends TimeRange {
  /** How many points a series may have: at most {@link MAX_POINTS}, which is the default. */
  maxPoints?: number;
  /** Seconds; a finer step would show nothing more. Defaults to 1. */
  minStep?: number;
}

/**
 * Chooses the finest step that is easy to read (1, 2, 5, 10, 15, 20, 30 seconds and minutes, 1, 2,
 * 3, 4, 6, 12 hours, whole days) and keeps the range within the points, also after
 * {@link alignRange}.
 *
 * @returns seconds
 * @throws RangeError for a range that ends before it starts, and for fewer than 3 points
 */
export function chooseStep({
  start,
  end,
  maxPoints = MAX_POINTS,
  minStep = 1,
}: StepOptions): number {
  assertRange({ start, end });
  const points = Math.min(Math.floor(maxPoints), MAX_POINTS);
  if (!(points >= 3) || !(minStep >= 0)) {
    throw new RangeError(
      `At least 3 points and a minStep of 0 or more are needed, found ${maxPoints} and ${minStep}`,
    );
  }
  // Aligning may take in one more point at the start.
  const finest = Math.max((end - start) / (points - 2), minStep);
  return LADDER.find(step => step >= finest) ?? Math.ceil(finest / DAY) * DAY;
}

/**
 * Moves both ends back to a multiple of the step. Requests within one step then ask for the same,
 * and a picture does not shift its points when it is asked for again.
 *
 * @throws RangeError for a range that ends before it starts, and for a step that is not whole
 */
export function alignRange({ start, end, step }: AlignedRange): AlignedRange {
  assertRange({ start, end });
  if (!Number.isSafeInteger(step) || step < 1) {
    throw new RangeError(`A step has to be whole seconds, found ${step}`);
  }
  return {
    start: Math.floor(start / step) * step,
    end: Math.floor(end / step) * step,
    step,
  };
}

/** How many points a series has on that grid. */
export function countPoints({ start, end, step }: AlignedRange): number {
  return Math.floor((end - start) / step) + 1;
}

/**
 * What of a range is not ahead: there Prometheus looks back, and makes up a few minutes.
 *
 * @param now - seconds since 1970
 * @throws RangeError for a range that begins in the future, and for one that ends before it starts
 */
export function untilNow(
  { start, end }: TimeRange,
  now = Date.now() / 1000,
): TimeRange {
  assertRange({ start, end });
  if (start > now) {
    throw new RangeError(
      `The range begins at ${toText(start)}, which is in the future: it is ${toText(now)}`,
    );
  }
  return { start, end: Math.min(end, now) };
}

/** Moments may be beyond those of a date. */
function toText(seconds: number): string {
  const date = new Date(Math.round(seconds) * 1000);
  return Number.isNaN(date.getTime())
    ? `${seconds} s after 1970`
    : date.toISOString().replace('.000Z', 'Z');
}

/** Every point of the grid, in seconds. */
export function timestampsOf(range: AlignedRange): number[] {
  return Array.from(
    { length: countPoints(range) },
    (_, index) => range.start + index * range.step,
  );
}

function assertRange({ start, end }: TimeRange): void {
  if (!Number.isFinite(start) || !Number.isFinite(end) || end < start) {
    throw new RangeError(
      `A range has to start before it ends, found ${start} to ${end}`,
    );
  }
}
