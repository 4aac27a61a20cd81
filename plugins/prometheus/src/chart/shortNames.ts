export interface ShortNames {
  /** What all names begin with; empty where that is not worth taking off. */
  prefix: string;
  /** What is left of each. */
  names: string[];
}

/** Characters: less does not make room for anything. */
const SHORTEST_PREFIX = 8;

/** Where a name may be cut: behind one of these. */
const SEPARATOR = /[-_./:\s]/;

/**
 * Takes off what all names begin with, up to a separator, so that `checkout-7d9f8-x2k9q` and
 * `checkout-7d9f8-p4w7z` are told apart where a name is cut. Labels stay whole.
 */
export function shortNames(names: string[]): ShortNames {
  const length = names.length > 1 ? commonLength(names) : 0;
  return length < SHORTEST_PREFIX
    ? { prefix: '', names }
    : {
        prefix: names[0].slice(0, length),
        names: names.map(name => name.slice(length)),
      };
}

function commonLength(names: string[]): number {
  const [first] = names;
  // Something of each name is left.
  let length = Math.min(...names.map(name => name.length)) - 1;
  for (const name of names) {
    while (!name.startsWith(first.slice(0, length))) {
      length--;
    }
  }
  const labels = first.search(/[{"]/);
  length = labels === -1 ? length : Math.min(length, labels);
  while (length > 0 && !SEPARATOR.test(first[length - 1])) {
    length--;
  }
  return length;
}
