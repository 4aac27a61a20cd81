import assert from 'node:assert/strict';
import { after, before, describe, mock, test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import {
  type CacheService,
  coreServices,
  createBackendPlugin,
  type DatabaseService,
  type SchedulerService,
} from '@backstage/backend-plugin-api';
import {
  type EventParams,
  type EventsService,
  eventsServiceRef,
} from '@backstage/plugin-events-node';
import { eventually } from '../../support/eventually';
import { SUBSCRIBERS, TASK, TASKS } from './hostileOptions';
import { type RunningBackend, startBackend } from './support';

interface Services {
  events: EventsService;
  scheduler: SchedulerService;
  cache: CacheService;
  database: DatabaseService;
}

type Loose = (...args: unknown[]) => unknown;

const OFF = {
  http: false,
  database: false,
  cache: false,
  scheduler: false,
  events: false,
  runtime: false,
};

/** Backstage's own services as a plugin gets them, and once more where nothing observes them. */
let observed: Services & RunningBackend;
let plain: Services & RunningBackend;

const stops: (() => Promise<void>)[] = [];

async function servicesOf(core: typeof OFF | undefined) {
  let services: Services;
  const feature = createBackendPlugin({
    pluginId: 'orders',
    register(env) {
      env.registerInit({
        deps: {
          events: eventsServiceRef,
          scheduler: coreServices.scheduler,
          cache: coreServices.cache,
          database: coreServices.database,
        },
        init: given => {
          services = given;
          return Promise.resolve();
        },
      });
    },
  });
  const backend = await startBackend(
    { after: stop => void stops.push(stop as () => Promise<void>) },
    { features: [feature], core },
  );
  return { ...services!, ...backend };
}

/** What somebody saw of a call: all that can differ when it is observed. */
async function seen(call: () => unknown): Promise<unknown> {
  try {
    const result = call();
    const sync = !(result instanceof Promise);
    return { sync, value: await result };
  } catch (error) {
    return { thrown: error instanceof Error ? String(error) : error };
  }
}

/** Runs a case with both, and compares what it tells. */
async function same(
  name: string,
  run: (services: Services) => Promise<unknown>,
): Promise<unknown> {
  const without = await run(plain);
  assert.deepEqual(await run(observed), without, name);
  assert.doesNotMatch(
    JSON.stringify(without),
    /Error: Service is shutting down/,
  );
  return without;
}

let topics = 0;

describe('observed core services do as they do without us', () => {
  before(async () => {
    plain = await servicesOf(OFF);
    observed = await servicesOf(undefined);
  });

  after(async () => {
    for (const stop of stops) {
      await stop();
    }
  });

  for (const [name, make] of Object.entries(SUBSCRIBERS)) {
    test(`events.subscribe of ${name}`, async () => {
      const topic = `topic.${topics++}`;
      const event = Object.freeze({ topic, eventPayload: 1 });
      await same(name, async ({ events }) => {
        const notes: string[] = [];
        const options = make(topic, text => notes.push(text));
        const subscribe = events.subscribe.bind(events) as unknown as Loose;
        const results = [
          await seen(() => subscribe(options)),
          // What was given once may be given again.
          await seen(() => subscribe(options)),
          await seen(() => events.publish(event)),
        ];
        return { notes, results };
      });
    });
  }

  for (const [name, make] of Object.entries(TASKS)) {
    for (const way of ['scheduleTask', 'createScheduledTaskRunner'] as const) {
      test(`${way} of ${name}`, async () => {
        await same(name, async ({ scheduler }) => {
          const notes: string[] = [];
          const ending = new AbortController();
          const task = make(ending.signal, text => notes.push(text));
          const result = await seen(() =>
            way === 'scheduleTask'
              ? scheduler.scheduleTask(task as never)
              : scheduler.createScheduledTaskRunner(TASK).run(task as never),
          );
          await tick();
          ending.abort();
          return { notes, result };
        });
      });
    }
  }

  test('a class of tasks and of subscribers is measured by its ids', async () => {
    const { events, scheduler, metrics } = observed;
    const onEvent = mock.fn();
    class Subscriber {
      get id() {
        return 'accessors';
      }
      get topics() {
        return ['measured'];
      }
      get onEvent() {
        return onEvent;
      }
    }
    await events.subscribe(new Subscriber() as never);
    await events.publish({ topic: 'measured', eventPayload: 1 });
    let end = () => {};
    class Task {
      get id() {
        return 'class';
      }
      get scope() {
        return 'global' as const;
      }
      get frequency() {
        return TASK.frequency;
      }
      get timeout() {
        return TASK.timeout;
      }
      fn() {
        return new Promise<void>(resolve => (end = resolve));
      }
    }
    await scheduler.scheduleTask(new Task());
    const value = async (name: string, attributes: object) =>
      (await metrics.collect()).value(`backstage.core.${name}`, {
        plugin: 'orders',
        ...attributes,
      });
    assert.equal(
      await value('events.messages.processed.total', {
        topic: 'measured',
        subscriber: 'accessors',
        result: 'ok',
      }),
      1,
    );
    assert.equal(onEvent.mock.callCount(), 1);
    const global = { scope: 'global' };
    assert.equal(await value('scheduler.tasks.registered', global), 1);
    await eventually(async () =>
      assert.equal(await value('scheduler.tasks.active', {}), 1),
    );
    end();
  });

  test('events are read as often as their service reads them', async () => {
    await same('publish', async ({ events }) => {
      let reads = 0;
      const got: unknown[] = [];
      const topic = `topic.${topics++}`;
      const event = {
        get topic() {
          reads++;
          return topic;
        },
        eventPayload: 1,
      };
      const onEvent = (given: EventParams) => {
        got.push(given === event);
        return Promise.resolve();
      };
      await events.subscribe({ id: 'a', topics: [topic], onEvent });
      await events.publish(event);
      return { reads, got };
    });
  });

  test('wrong calls get the answers that they always got', async () => {
    await same('wrong calls', services =>
      Promise.all(
        (
          [
            ['events', 'publish'],
            ['events', 'subscribe'],
            ['scheduler', 'scheduleTask'],
            ['scheduler', 'triggerTask', 'none'],
            ['cache', 'get'],
            ['cache', 'set', 'key', 1n],
            ['cache', 'get', { toString: null }],
          ] as [keyof Services, string, ...unknown[]][]
        ).map(([service, method, ...args]) => {
          const holder = services[service] as unknown as Record<string, Loose>;
          return seen(() => holder[method](...args));
        }),
      ),
    );
  });

  test('services and their methods look the same', async () => {
    await same('looks', services =>
      Promise.resolve(
        Object.entries({
          events: ['publish', 'subscribe'],
          scheduler: ['scheduleTask', 'createScheduledTaskRunner'],
          cache: ['get', 'set', 'delete', 'withOptions'],
          database: ['getClient'],
        }).map(([name, methods]) => {
          const service = services[name as keyof Services] as unknown as Record<
            string,
            Loose
          >;
          return [
            Object.keys(service),
            Object.keys({ ...service }),
            Object.getPrototypeOf(service) === Object.prototype,
            service.constructor.name,
            methods.map(method => {
              const { name, length } = service[method];
              const stays = service[method] === service[method];
              return [name, length, String(service[method]), stays];
            }),
          ];
        }),
      ),
    );
  });

  test('a database is the same callable client, from every call', async () => {
    await same('database', async ({ database }) => {
      const client = await database.getClient();
      return [
        client === (await database.getClient()),
        typeof client,
        Object.keys(client),
        await client.select(client.raw('1 as one')),
      ];
    });
  });
});
