import { fail, type Section } from './Section';

/** What requests say themselves; configured ones would change the question. */
const OWN = [
  'end',
  'limit',
  'match[]',
  'metric',
  'query',
  'start',
  'step',
  'time',
  'timeout',
  'type',
];

/**
 * Reads `queryParameters`: what stands in the address of every request to a server, POST or GET.
 * Proxies before Thanos and Prometheus choose the tenant by it: `namespace=…`.
 *
 * @throws Error that names the path
 */
export function readQueryParameters(
  at: Section,
): [name: string, value: string][] {
  // Not by path: names may have dots.
  const entries = Object.entries(
    at.config.getOptional<Record<string, unknown>>('queryParameters') ?? {},
  );
  return entries.flatMap(([name, value]) => {
    if (OWN.includes(name)) {
      return fail(
        at,
        `queryParameters.${name}`,
        'is a parameter that every query sets itself',
      );
    }
    const values = Array.isArray(value) ? (value as unknown[]) : [value];
    return values.map((one): [string, string] =>
      ['string', 'number', 'boolean'].includes(typeof one)
        ? [name, String(one)]
        : fail(
            at,
            `queryParameters.${name}`,
            'has to be a text, a number, true or false, or a list of such',
          ),
    );
  });
}
