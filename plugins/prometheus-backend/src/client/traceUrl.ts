import { fail, type Section } from './Section';

/**
 * Reads `traceUrl`: an HTTP address with labels of exemplars in it.
 *
 * @throws Error that names the path of what is wrong
 */
export function readTraceUrl(at: Section): string | undefined {
  const template = at.config.getOptionalString('traceUrl');
  if (template === undefined) {
    return undefined;
  }
  const hasLabel = /\{\{\s*[^{}]+\s*\}\}/.test(template);
  return hasLabel && /^https?:\/\//i.test(template) && URL.canParse(template)
    ? template
    : fail(
        at,
        'traceUrl',
        `is "${template}"; an HTTP address with the label of an exemplar in it is expected, such as https://traces.example.com/trace/{{trace_id}}`,
      );
}
