/** A link that a browser may follow; annotations may hold anything, `javascript:` too. */
export function httpUrl(text: string | undefined): string | undefined {
  return text !== undefined && /^https?:\/\//i.test(text) && URL.canParse(text)
    ? text
    : undefined;
}

/** Where a Prometheus shows an expression: in version 3 too, which redirects to `/query`. */
export function expressionUrl(
  uiUrl: string | undefined,
  expression: string | undefined,
): string | undefined {
  const base = httpUrl(uiUrl)?.replace(/\/+$/, '');
  if (base === undefined || expression === undefined) {
    return undefined;
  }
  const parameters = new URLSearchParams({
    'g0.expr': expression,
    'g0.tab': '1',
  });
  return `${base}/graph?${parameters.toString()}`;
}
