import { toJson } from '../common/json';
import type { Path } from './attributes';

/** An order of keys, and how many sets there are that have these keys. */
interface Order {
  keys: string[];
  sets: number;
}

/**
 * In which order the keys of sets came first. Of sets with the same keys the values tell whether they
 * are one, and in this order each is looked up in one way.
 */
export class KeyOrders {
  /** By the sorted keys; made when there is one, because many instruments have a single series. */
  private orders: Map<string, Order> | undefined = undefined;
  /** Of the set before: most programs always write the same. */
  private last: Order | undefined = undefined;

  /** A set in the order in which its keys came first; itself where it is in that order, or the first. */
  inFirstOrder(path: Path): Path {
    if (path.length <= 2 || (this.last && isIn(path, this.last))) {
      return path;
    }
    const order = this.orders?.get(sortedKeys(path));
    if (!order) {
      return path;
    }
    this.last = order;
    return isIn(path, order) ? path : reordered(path, order);
  }

  /** Counts a set, which is in this order from then on. */
  add(path: Path): void {
    if (path.length <= 2) {
      return;
    }
    if (this.last && isIn(path, this.last)) {
      this.last.sets++;
      return;
    }
    const sorted = sortedKeys(path);
    this.orders ??= new Map();
    let order = this.orders.get(sorted);
    if (!order) {
      order = { keys: keysOf(path), sets: 0 };
      this.orders.set(sorted, order);
    }
    order.sets++;
    this.last = order;
  }

  /** A set is gone, and with the last one that has its keys their order. */
  remove(path: Path): void {
    if (path.length <= 2) {
      return;
    }
    const sorted = sortedKeys(path);
    const order = this.orders?.get(sorted);
    if (order && --order.sets === 0) {
      this.orders?.delete(sorted);
      this.last = undefined;
    }
  }
}

function keysOf(path: Path): string[] {
  return path.filter((_, at) => at % 2 === 0) as string[];
}

function sortedKeys(path: Path): string {
  return toJson(keysOf(path).sort());
}

function isIn(path: Path, { keys }: Order): boolean {
  if (path.length !== 2 * keys.length) {
    return false;
  }
  for (let at = 0; at < keys.length; at++) {
    if (path[2 * at] !== keys[at]) {
      return false;
    }
  }
  return true;
}

function reordered(path: Path, { keys }: Order): Path {
  const values = new Map<unknown, Path[number]>();
  for (let at = 0; at < path.length; at += 2) {
    values.set(path[at], path[at + 1]);
  }
  return keys.flatMap(key => [key, values.get(key)!]);
}
