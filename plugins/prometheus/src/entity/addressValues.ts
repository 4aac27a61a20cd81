/** The values that a parameter of the page's address has for one part of the page. */
export function valuesOf(
  parameters: URLSearchParams,
  name: string,
  prefix: string,
): string[] {
  return parameters
    .getAll(name)
    .filter(value => value.startsWith(prefix))
    .map(value => value.slice(prefix.length));
}

/** The parameters with these values of one part, and those of others as they are. */
export function withValues(
  parameters: URLSearchParams,
  name: string,
  prefix: string,
  values: Iterable<string>,
): URLSearchParams {
  const after = new URLSearchParams(parameters);
  const others = parameters
    .getAll(name)
    .filter(value => !value.startsWith(prefix));
  after.delete(name);
  others.forEach(value => after.append(name, value));
  for (const value of values) {
    after.append(name, `${prefix}${value}`);
  }
  return after;
}
