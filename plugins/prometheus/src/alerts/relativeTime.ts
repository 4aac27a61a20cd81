const UNITS: [unit: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

const FORMAT = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** How long ago, of two times in seconds, in one unit: `3 minutes ago`. */
export function relativeTime(time: number, now: number): string {
  // Clocks differ a little, and nothing here lies ahead.
  const seconds = Math.max(0, Math.round(now - time));
  const [unit, size] = UNITS.find(([, own]) => seconds >= own) ?? ['second', 1];
  return FORMAT.format(-Math.floor(seconds / size), unit);
}
