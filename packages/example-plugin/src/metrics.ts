import type { MetricsService } from '@nativestage/metrics';
import { channels, type Kitchen, type Order } from './Kitchen';

export type KitchenMetrics = ReturnType<typeof createKitchenMetrics>;

/**
 * Every kind of instrument, once. Names are `{category}.{metric_name}`; the service puts
 * `backstage.plugin.example.` in front.
 *
 * Make instruments once, when the plugin starts, and keep them: making one again is harmless but
 * does work, recording costs next to nothing.
 */
export function createKitchenMetrics(
  metrics: MetricsService,
  kitchen: Kitchen,
) {
  // A counter only goes up. `{order}` is a unit of things counted; Prometheus appends `_total`.
  const placed = metrics.createCounter('orders.placed', {
    description: 'Orders that customers placed',
    unit: '{order}',
  });

  // When the attributes are known beforehand, bind them: add() is then a single write.
  const placedThrough = Object.fromEntries(
    channels.map(channel => [channel, placed.bind({ channel })]),
  );

  // An up-down counter follows what comes and goes, where both moments are seen in the code.
  const queueDepth = metrics.createUpDownCounter('queue.depth', {
    description: 'Orders that wait for the oven',
    unit: '{order}',
  });

  // A histogram of durations: in seconds, with buckets around what you expect and want to alert on.
  // Without the advice they are made for milliseconds and start at 5.
  const requestDuration = metrics.createHistogram('request.duration', {
    description: 'How long the plugin took to answer a request',
    unit: 's',
    advice: {
      explicitBucketBoundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    },
  });

  // A gauge holds the last value, where the code learns of it at a moment of its own.
  const ovenLoad = metrics.createGauge('oven.load', {
    description: 'Pizzas in the oven the last time it was closed',
    unit: '{pizza}',
  });

  // Observable instruments are asked when somebody collects, and never otherwise. Use them where
  // the number already stands somewhere. An observable counter reports the total so far.
  metrics
    .createObservableCounter('oven.energy', {
      description: 'What the oven has used since the start',
      unit: 'kW.h',
    })
    .addCallback(result => result.observe(kitchen.energy));

  metrics
    .createObservableGauge('queue.age', {
      description: 'How long the oldest order has been waiting',
      unit: 's',
    })
    .addCallback(result => {
      const [oldest] = kitchen.queue;
      result.observe(oldest ? (Date.now() - oldest.placedAt) / 1000 : 0);
    });

  // One callback for several instruments, so that their values are of the same moment.
  const dough = metrics.createObservableUpDownCounter('dough.stock', {
    description: 'Balls of dough left',
    unit: '{ball}',
  });
  const doughCapacity = metrics.createObservableUpDownCounter(
    'dough.capacity',
    { description: 'Balls of dough that the fridge holds', unit: '{ball}' },
  );
  metrics.addBatchObservableCallback(
    result => {
      result.observe(dough, kitchen.dough);
      result.observe(doughCapacity, kitchen.doughCapacity);
    },
    [dough, doughCapacity],
  );

  // The plain OpenTelemetry meter, for instrumentation libraries and names that other people fixed.
  // Nothing is put in front of these.
  const baked = metrics.getMeter().createCounter('pizzeria.pizzas.baked', {
    description: 'Pizzas that left the oven',
    unit: '{pizza}',
  });

  return {
    requestDuration,

    orderPlaced({ channel }: Order) {
      placedThrough[channel].add(1);
      queueDepth.add(1);
    },

    ordersBaked(orders: Order[]) {
      queueDepth.add(-orders.length);
      ovenLoad.record(orders.length);
      for (const { pizza } of orders) {
        // Attributes are few and from a closed list: a customer's name here would make a new
        // series for every customer.
        baked.add(1, { pizza });
      }
    },
  };
}
