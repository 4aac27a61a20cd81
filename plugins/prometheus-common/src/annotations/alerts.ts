import { readQuoted, splitList } from './list';
import { ALERT_ANNOTATION } from './names';

/**
 * Reads `prometheus.io/alert`: `all`, or the names of alerts with commas between them. A name that
 * has a comma itself stands in double quotes.
 *
 * @returns names without the space around them, each once
 * @throws AnnotationError for a quote without its end, and for too much
 */
export function parseAlerts(text: string): 'all' | string[] {
  if (text.trim() === 'all') {
    return 'all';
  }
  const names = splitList(ALERT_ANNOTATION, text).map(item =>
    readQuoted(ALERT_ANNOTATION, text, item),
  );
  return [...new Set(names)];
}
