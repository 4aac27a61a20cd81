import { dirname } from 'node:path';

const OWN_FILES = `${dirname(__filename)}`;

/** The first stack frame outside this package and OpenTelemetry's API: where an instrument is made. */
export function callSite(): string {
  const frames = new Error().stack?.split('\n').slice(1) ?? [];
  const foreign = frames.find(
    frame =>
      !frame.includes(OWN_FILES) && !frame.includes('@opentelemetry/api'),
  );
  const place = foreign?.match(/\(?((?:file:\/\/)?[^()\s]+:\d+:\d+)\)?$/);
  return place?.[1] ?? 'an unknown place';
}
