const MINUTE = 60;
const DAY = 86_400;
const MONTH = 28 * DAY;
const YEAR = 365 * DAY;

export interface Locale {
  /** BCP 47; the viewer's, where it is left out. */
  locale?: string;
  /** IANA; the viewer's, where it is left out. */
  timeZone?: string;
}

/**
 * What stands at the time axis, in the viewer's locale and zone. The first time of day, and the
 * first of each further day, have their date on a second line.
 *
 * @param splits - seconds
 * @param step - seconds between them
 */
export function timeLabels(
  splits: number[],
  step: number,
  locale: Locale = {},
): string[] {
  if (step >= DAY) {
    const format = formatter(dateStyle(step), locale);
    return splits.map(format);
  }
  const time = formatter(timeStyle(step), locale);
  const day = formatter({ month: 'short', day: 'numeric' }, locale);
  const days = splits.map(day);
  return splits.map((split, index) =>
    days[index] === days[index - 1]
      ? time(split)
      : `${time(split)}\n${days[index]}`,
  );
}

/** The whole date and time to the second, with the zone. */
export function fullTime(timestamp: number, locale: Locale = {}): string {
  return formatter(
    { dateStyle: 'medium', timeStyle: 'long' },
    locale,
  )(timestamp);
}

function dateStyle(step: number): Intl.DateTimeFormatOptions {
  if (step >= YEAR) {
    return { year: 'numeric' };
  }
  return step >= MONTH
    ? { month: 'short', year: 'numeric' }
    : { month: 'short', day: 'numeric' };
}

function timeStyle(step: number): Intl.DateTimeFormatOptions {
  return step < MINUTE
    ? { hour: '2-digit', minute: '2-digit', second: '2-digit' }
    : { hour: '2-digit', minute: '2-digit' };
}

/** Making a format takes about 30 µs, more than a frame has for each label of a moving tooltip. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatter(
  options: Intl.DateTimeFormatOptions,
  { locale, timeZone }: Locale,
): (seconds: number) => string {
  const key = JSON.stringify([options, locale, timeZone]);
  const format =
    formats.get(key) ??
    new Intl.DateTimeFormat(locale, { ...options, timeZone });
  formats.set(key, format);
  return seconds => format.format(seconds * 1000);
}
