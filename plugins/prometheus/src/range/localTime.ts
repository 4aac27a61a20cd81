// Moments in the viewer's zone, or in UTC, as an input of the type `datetime-local` holds them.

const DAY = 86_400;

/** @param seconds since 1970 */
export function toLocal(seconds: number, isUtc = false): string {
  const date = new Date(seconds * 1000);
  const offset = isUtc ? 0 : date.getTimezoneOffset() * 60_000;
  const shifted = date.getTime() - offset;
  return new Date(shifted).toISOString().slice(0, 19);
}

/**
 * The moments that a local time may be, in seconds since 1970, the earlier one first: two in the hour
 * that comes twice where summer time ends, and none for what is no time.
 */
export function momentsOf(text: string, isUtc = false): number[] {
  const utc = Date.parse(`${text}Z`) / 1000;
  if (Number.isNaN(utc) || isUtc) {
    return Number.isNaN(utc) ? [] : [utc];
  }
  const offsets = [utc - DAY, utc + DAY].map(
    moment => new Date(moment * 1000).getTimezoneOffset() * 60,
  );
  const moments = [...new Set(offsets)]
    .map(offset => utc + offset)
    .filter(moment => toLocal(moment) === toLocal(utc, true))
    .sort((a, b) => a - b);
  // The hour that is left out where summer time begins: as browsers read it.
  return moments.length > 0 ? moments : [Date.parse(text) / 1000];
}

/**
 * The moment that a local time is, in seconds since 1970: `near` where it is still that time, and of
 * two the one with its offset.
 */
export function fromLocal(text: string, near: number, isUtc = false): number {
  const moments = momentsOf(text, isUtc);
  if (moments.includes(Math.floor(near))) {
    return near;
  }
  return (
    moments.find(moment => offsetOf(moment) === offsetOf(near)) ??
    moments[0] ??
    NaN
  );
}

/** How far the viewer's zone is from UTC then: `UTC+02:00`. */
export function offsetOf(seconds: number): string {
  const minutes = -new Date(seconds * 1000).getTimezoneOffset();
  const size = Math.abs(minutes);
  const [hours, rest] = [Math.floor(size / 60), size % 60].map(part =>
    String(part).padStart(2, '0'),
  );
  return `UTC${minutes < 0 ? '-' : '+'}${hours}:${rest}`;
}
