import { httpUrl } from '../links';

/**
 * Where the trace of an exemplar is shown.
 *
 * @param template an HTTP address with labels in it: `https://traces.example/trace/{{trace_id}}`
 * @returns `undefined` without a template, and where the exemplar lacks one of its labels
 */
export function traceLink(
  template: string | undefined,
  labels: Record<string, string>,
): string | undefined {
  let isComplete = true;
  const link = template?.replace(
    /\{\{\s*([^{}]+?)\s*\}\}/g,
    (_, name: string) => {
      const known = Object.hasOwn(labels, name) && labels[name] !== '';
      isComplete &&= known;
      return known ? encodeURIComponent(labels[name]) : '';
    },
  );
  return isComplete ? httpUrl(link) : undefined;
}
