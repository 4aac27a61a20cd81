type Version = [major: number, minor: number, patch: number];

/**
 * Whether a version is in a range of carets joined by `||`: the only form that this package's own
 * manifest uses.
 */
export function satisfies(version: string, range: string): boolean {
  const found = parse(version);
  return range.split('||').some(caret => {
    const lowest = parse(caret.trim().replace(/^\^/, ''));
    return found[0] === lowest[0] && compare(found, lowest) >= 0;
  });
}

function parse(version: string): Version {
  const [major = 0, minor = 0, patch = 0] = version
    .replace(/[-+].*$/, '')
    .split('.')
    .map(Number);
  return [major, minor, patch];
}

function compare(a: Version, b: Version): number {
  const at = a.findIndex((part, index) => part !== b[index]);
  return at < 0 ? 0 : a[at] - b[at];
}
