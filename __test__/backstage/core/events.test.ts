import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventsServiceRef } from '@backstage/plugin-events-node';
import { pluginWith, startBackend, Tally, valuesOf } from './support';

const PUBLISHED = 'backstage.core.events.messages.published.total';
const PROCESSED = 'backstage.core.events.messages.processed.total';
const DURATION = 'backstage.core.events.messages.duration';

describe('events metrics', () => {
  test('agree with what publishers and subscribers count', async t => {
    const publisher = pluginWith('orders', eventsServiceRef);
    const subscriber = pluginWith('kitchen', eventsServiceRef);
    const { metrics } = await startBackend(t, {
      features: [publisher.feature, subscriber.feature],
    });
    const published = new Tally();
    const processed = new Tally();
    const durations = new Tally();
    const orders = await publisher.service;
    const kitchen = await subscriber.service;
    for (const id of ['oven', 'waiter']) {
      await kitchen.subscribe({
        id,
        topics: ['placed', 'cancelled'],
        onEvent: async ({ topic, eventPayload }) => {
          await Promise.resolve();
          const failed = id === 'oven' && (eventPayload as number) % 10 === 0;
          const result = failed ? 'error' : 'ok';
          processed.add({ plugin: 'kitchen', topic, subscriber: id, result });
          durations.add({ plugin: 'kitchen', topic });
          if (failed) {
            throw new Error('too hot');
          }
        },
      });
    }
    await Promise.all(
      Array.from({ length: 500 }, async (_, n) => {
        const topic = ['placed', 'cancelled', 'unheard'][n % 3];
        await orders.publish({ topic, eventPayload: n });
        published.add({ plugin: 'orders', topic });
      }),
    );
    const collection = await metrics.collect();
    published.equals(valuesOf(collection, PUBLISHED));
    processed.equals(valuesOf(collection, PROCESSED));
    durations.equals(valuesOf(collection, DURATION));
  });

  test('have a bounded number of topics', async t => {
    const { feature, service } = pluginWith('orders', eventsServiceRef);
    const { metrics } = await startBackend(t, { features: [feature] });
    const events = await service;
    for (let n = 0; n < 300; n++) {
      await events.publish({ topic: `made.up.${n}`, eventPayload: n });
    }
    const collection = await metrics.collect();
    assert.equal(collection.metric(PUBLISHED)?.points.length, 201);
    assert.equal(
      collection.value(PUBLISHED, { plugin: 'orders', topic: '_OTHER' }),
      100,
    );
  });
});
