/**
 * The JSON of plain data, for the native side.
 *
 * Old libraries put a `toJSON` on `Array.prototype`, and whoever can pollute `Object.prototype` may:
 * with it, all attribute sets would be written alike and be one series.
 */
export function toJson(
  value: unknown,
  replacer?: (key: string, value: unknown) => unknown,
): string {
  return JSON.stringify(
    'toJSON' in Array.prototype ? bare(value) : value,
    replacer,
  );
}

function bare(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const copy = Array.isArray(value)
    ? value.map(bare)
    : Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, bare(item)]),
      );
  return Object.setPrototypeOf(copy, null) as unknown;
}
