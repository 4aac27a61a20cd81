import type { MetricsService } from '@backstage/backend-plugin-api/alpha';
import type { Kitchen, Order } from './Kitchen';

export type KitchenMetrics = ReturnType<typeof createKitchenMetrics>;

export function createKitchenMetrics(
  metrics: MetricsService,
  kitchen: Kitchen,
) {
  const placed = metrics.createCounter('orders.placed', {
    description: 'Orders that customers placed',
    unit: '{order}',
  });
  const queueDepth = metrics.createUpDownCounter('queue.depth', {
    description: 'Orders that wait for the oven',
    unit: '{order}',
  });
  const requestDuration = metrics.createHistogram('request.duration', {
    description: 'How long the plugin took to answer a request',
    unit: 's',
    advice: {
      explicitBucketBoundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    },
  });
  const batchSize = metrics.createGauge('oven.load', {
    description: 'Pizzas that were in the oven the last time it was closed',
    unit: '{pizza}',
  });

  metrics
    .createObservableCounter('oven.energy', {
      description: 'What the oven has used since the start',
      unit: 'kW.h',
    })
    .addCallback(result => result.observe(kitchen.energy));

  return {
    requestDuration,
    orderPlaced({ pizza, channel }: Order) {
      placed.add(1, { pizza, channel });
      queueDepth.add(1);
    },
    ordersBaked(orders: Order[]) {
      queueDepth.add(-orders.length);
      batchSize.record(orders.length);
    },
  };
}
