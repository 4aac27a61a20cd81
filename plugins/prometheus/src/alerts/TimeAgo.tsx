import { relativeTime } from './relativeTime';

interface TimeAgoProps {
  /** In ISO 8601. */
  time?: string;
  /** Seconds since 1970. */
  now: number;
}

const EXACT = new Intl.DateTimeFormat('en', {
  dateStyle: 'medium',
  timeStyle: 'long',
});

/** How long ago; the exact time is its title. */
export function TimeAgo({ time = '', now }: TimeAgoProps) {
  const parsed = Date.parse(time);
  if (Number.isNaN(parsed)) {
    return <>–</>;
  }
  return (
    <time
      dateTime={time}
      title={EXACT.format(parsed)}
      style={{ whiteSpace: 'nowrap' }}
    >
      {relativeTime(parsed / 1000, now)}
    </time>
  );
}
