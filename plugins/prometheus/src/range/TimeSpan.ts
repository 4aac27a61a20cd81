import type { TimeRange } from '@nativestage/backstage-plugin-prometheus-common';

/** So many seconds that end now, or `ago` seconds before. */
export interface RelativeSpan {
  last: number;
  ago?: number;
}

/** What a page looks at: the last so many seconds, or one moment to another. */
export type TimeSpan = RelativeSpan | TimeRange;

/** Seconds. */
const UNITS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;

/** Nobody means less by a drag over the picture; seconds. */
const SHORTEST = 10;

export function isRelative(span: TimeSpan): span is RelativeSpan {
  return 'last' in span;
}

/**
 * It ends now at the latest: for what lies ahead Prometheus looks back, and makes up a few minutes.
 *
 * @param now seconds since 1970
 */
export function toRange(span: TimeSpan, now: number): TimeRange {
  if (isRelative(span)) {
    const end = now - (span.ago ?? 0);
    return { start: end - span.last, end };
  }
  const { start, end } = span;
  return { start, end: Math.max(start, Math.min(end, now)) };
}

/** The span between two moments, at least ten seconds of it. */
export function between({ start, end }: TimeRange): TimeSpan {
  const missing = Math.max(SHORTEST - (end - start), 0) / 2;
  return {
    start: Math.floor(start - missing),
    end: Math.ceil(end + missing),
  };
}

/**
 * Twice as much, around the same middle; the past counts back from now all the same.
 *
 * @param now seconds since 1970: where it ends at the latest
 */
export function zoomOut(span: TimeSpan, now = Infinity): TimeSpan {
  if (isRelative(span)) {
    return { ...span, last: span.last * 2 };
  }
  const half = (span.end - span.start) / 2;
  return upTo({ start: span.start - half, end: span.end + half }, now);
}

/** Half of it earlier (-1) or later (1), and no later than now. */
export function shift(
  span: TimeSpan,
  direction: -1 | 1,
  now: number,
): TimeSpan {
  const { start, end } = isRelative(span) ? toRange(span, now) : span;
  const half = ((end - start) / 2) * direction;
  const moved = { start: start + half, end: end + half };
  return direction < 0 ? whole(moved) : upTo(moved, now);
}

/** The span between two moments; one that would end later than now is the last so many seconds. */
function upTo({ start, end }: TimeRange, now: number): TimeSpan {
  // Whole seconds may have moved it a little.
  return end > now - 1
    ? { last: Math.max(SHORTEST, Math.round(end - start)) }
    : whole({ start, end });
}

/** In whole seconds, as long as it was. */
function whole({ start, end }: TimeRange): TimeSpan {
  const from = Math.round(start);
  return { start: from, end: from + Math.round(end - start) };
}

/** As it stands in an address: `90m`, `now-2d/now-1d`, or an interval of ISO 8601. */
export function formatSpan(span: TimeSpan): string {
  if (!isRelative(span)) {
    return `${toIso(span.start)}/${toIso(span.end)}`;
  }
  const { last, ago } = span;
  return ago
    ? `now-${formatDuration(last + ago)}/now-${formatDuration(ago)}`
    : formatDuration(last);
}

/**
 * Reads {@link formatSpan}, and what people type: `now-6h`, `now-2d to now-1d`, and two moments of ISO
 * 8601 with a slash or `to` between them.
 *
 * @returns `undefined` for anything else
 */
export function parseSpan(text: string): TimeSpan | undefined {
  const last = parseDuration(text.trim());
  if (last !== undefined) {
    return { last };
  }
  const [start, end = 'now', ...rest] = text
    .split(/\/|\s+to\s+/)
    .map(part => part.trim());
  if (rest.length > 0) {
    return undefined;
  }
  const [from, to] = [parseAgo(start), parseAgo(end)];
  if (from !== undefined && to !== undefined) {
    const length = from - to;
    return length > 0
      ? { last: length, ...(to > 0 && { ago: to }) }
      : undefined;
  }
  const [first, second] = [start, end].map(moment => Date.parse(moment) / 1000);
  return first < second ? { start: first, end: second } : undefined;
}

/** Seconds before now: of `now` none, of `now-6h` so many. */
function parseAgo(text: string): number | undefined {
  const [, duration] = /^now(?:\s*-\s*(\w+))?$/.exec(text) ?? [];
  if (duration !== undefined) {
    return parseDuration(duration);
  }
  return text === 'now' ? 0 : undefined;
}

/** As {@link parseSpan}, and `undefined` too for a span that lies ahead, where there is no data. */
export function readSpan(
  text: string,
  now = Date.now() / 1000,
): TimeSpan | undefined {
  const span = parseSpan(text);
  return span && !isRelative(span) && span.start >= now ? undefined : span;
}

/** Whole seconds in the largest unit that they are a multiple of: `90` is `90s`, `7200` is `2h`. */
export function formatDuration(seconds: number): string {
  const units = Object.entries(UNITS).reverse();
  const [unit, size] = units.find(([, one]) => seconds % one === 0) ?? ['s', 1];
  return `${Math.round(seconds / size)}${unit}`;
}

/** Seconds of `30s`, `5m`, `1h`, `7d` or `2w`. */
export function parseDuration(text: string): number | undefined {
  const match = /^([1-9]\d{0,5})([smhdw])$/.exec(text);
  return match
    ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]
    : undefined;
}

function toIso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}
