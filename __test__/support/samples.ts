/** The values of a page in classic text, by name and sorted labels. */
export function samples(page: string): Map<string, number> {
  return new Map(
    [...page.matchAll(/^([\w:]+)(?:\{(.*)\})? (\S+)$/gm)].map(
      ([, name, labels = '', value]) => {
        const sorted = labels.match(/\w+="(?:[^"\\]|\\.)*"/g)?.sort() ?? [];
        return [`${name}{${sorted.join()}}`, number(value)];
      },
    ),
  );
}

/** prom-client writes `Nan`, everybody else `NaN`. */
function number(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}
