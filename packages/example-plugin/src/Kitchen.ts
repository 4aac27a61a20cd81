import { InputError } from '@backstage/errors';

export const menu = ['margherita', 'marinara', 'quattro-formaggi'] as const;
export const channels = ['counter', 'phone', 'web'] as const;

export type Pizza = (typeof menu)[number];
export type Channel = (typeof channels)[number];

export type Order = {
  pizza: Pizza;
  channel: Channel;
  /** Milliseconds since the epoch. */
  placedAt: number;
};

const OVEN_CAPACITY = 4;
const DOUGH_PER_DELIVERY = 40;

/** The plugin's own logic. It knows nothing about metrics. */
export class Kitchen {
  readonly doughCapacity = DOUGH_PER_DELIVERY;
  readonly queue: Order[] = [];
  /** Balls of dough left; a delivery comes when there are too few for the oven. */
  dough = DOUGH_PER_DELIVERY;
  /** Kilowatt-hours the oven has used so far. */
  energy = 0;

  /** Queues an order, or throws an `InputError` if there is no such pizza or channel. */
  order(pizza: unknown, channel: unknown): Order {
    const order = {
      pizza: oneOf(menu, pizza, 'pizza'),
      channel: oneOf(channels, channel, 'channel'),
      placedAt: Date.now(),
    };
    this.queue.push(order);
    return order;
  }

  /** Takes the oldest orders out of the queue, as many as fit into the oven. */
  bake(): Order[] {
    const baked = this.queue.splice(0, OVEN_CAPACITY);
    this.dough -= baked.length;
    if (this.dough < OVEN_CAPACITY) {
      this.dough = DOUGH_PER_DELIVERY;
    }
    this.energy += 0.02 + 0.05 * baked.length;
    return baked;
  }
}

function oneOf<T extends string>(
  allowed: readonly T[],
  value: unknown,
  what: string,
): T {
  const found = allowed.find(one => one === value);
  if (found === undefined) {
    throw new InputError(
      `There is no ${what} ${JSON.stringify(value)}; choose one of ${allowed.join(', ')}`,
    );
  }
  return found;
}
