/* eslint-disable @typescript-eslint/unbound-method -- whether methods are the same is what is tried */
import assert from 'node:assert/strict';
import { after, before, describe, mock, test } from 'node:test';
import {
  coreServices,
  createBackendPlugin,
  createServiceFactory,
} from '@backstage/backend-plugin-api';
import {
  type EventsService,
  eventsServiceRef,
} from '@backstage/plugin-events-node';
import type { TestMetrics } from '@nativestage/metrics/testing';
import { startBackend } from './support';

const PUBLISHED = 'backstage.core.events.messages.published.total';
const PROCESSED = 'backstage.core.events.messages.processed.total';

type Loose = (...args: unknown[]) => unknown;

/** What a service of the app's own may look like; only `publish` and `subscribe` are measured. */
type OwnEvents = Record<string, Loose> & EventsService;

/** A promise that has more to it than its value, as some libraries return. */
class Cancellable extends Promise<void> {
  cancelled = false;

  cancel() {
    this.cancelled = true;
  }
}

class PrivateEvents {
  #published = 0;
  subscribed: unknown[] = [];

  publish(...args: unknown[]) {
    this.#published += args.length;
    return this.#published;
  }

  async subscribe(options: { onEvent: Loose; describe?: Loose }) {
    this.subscribed.push(options);
    await Promise.resolve();
  }
}

class Extended extends PrivateEvents {
  override publish(...args: unknown[]) {
    return 100 + super.publish(...args);
  }
}

let reads = 0;
let waits = 0;
const cancellable = new Cancellable(() => {});

/** One for each plugin, by the plugin's id. */
const SERVICES = {
  'private-fields': () => new PrivateEvents(),
  extended: () => new Extended(),
  frozen: () => Object.freeze(new PrivateEvents()),
  'read-only': () =>
    Object.defineProperty(new PrivateEvents(), 'publish', { value: () => 7 }),
  'accessor-methods': () =>
    new (class {
      #publish = () => 8;
      get publish() {
        reads++;
        return this.#publish;
      }
      get subscribe() {
        return () => {};
      }
    })(),
  'binding-proxy': () =>
    new Proxy(new PrivateEvents(), {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function'
          ? (value.bind(target) as unknown)
          : value;
      },
    }),
  'closed-proxy': () =>
    new Proxy(
      {},
      {
        get: (_, name) =>
          ({ publish: () => 9, subscribe: () => {} })[name as 'publish'],
        defineProperty: () => assert.fail('nobody may change it'),
      },
    ),
  mocked: () => ({ publish: mock.fn(() => 10), subscribe: mock.fn() }),
  'own-promise': () => ({ publish: () => cancellable, subscribe: () => {} }),
  lazy: () => ({
    publish: () => ({
      then(done: (value: number) => void) {
        waits++;
        done(11);
      },
      where: () => 'chained',
    }),
    subscribe: () => {},
  }),
  rejecting: () => ({
    publish: () => Promise.reject(new Error('forgotten')),
    subscribe: () => {},
  }),
} satisfies Record<string, () => object>;

type Id = keyof typeof SERVICES;

describe("an app's own service does as it does without us", () => {
  const services = new Map<string, OwnEvents>();
  const stops: (() => Promise<void>)[] = [];
  let metrics: TestMetrics;

  const own = (id: Id) => services.get(id)!;
  const published = async (plugin: Id) =>
    (await metrics.collect()).value(PUBLISHED, { plugin, topic: 'made' });
  const event = { topic: 'made', eventPayload: 1 };

  before(async () => {
    const plugins = Object.keys(SERVICES).map(pluginId =>
      createBackendPlugin({
        pluginId,
        register(env) {
          env.registerInit({
            deps: { events: eventsServiceRef },
            init: ({ events }) => {
              services.set(pluginId, events as OwnEvents);
              return Promise.resolve();
            },
          });
        },
      }),
    );
    const factory = createServiceFactory({
      service: eventsServiceRef,
      deps: { plugin: coreServices.pluginMetadata },
      factory: ({ plugin }) =>
        (SERVICES[plugin.getId() as Id] ?? SERVICES.mocked)() as OwnEvents,
    });
    ({ metrics } = await startBackend(
      { after: stop => void stops.push(stop as () => Promise<void>) },
      { features: [factory, ...plugins] },
    ));
  });

  after(async () => {
    for (const stop of stops) {
      await stop();
    }
  });

  test('with private fields and as many arguments as it was called with', async () => {
    const events = own('private-fields') as unknown as PrivateEvents;
    assert.equal(events.publish(event, 'more'), 2);
    assert.equal(events.publish(), 2);
    assert.equal(await published('private-fields'), 1);
  });

  test('that overrides a method and calls the one above', async () => {
    assert.equal(own('extended').publish(event), 101);
    assert.ok(own('extended') instanceof PrivateEvents);
    assert.equal(await published('extended'), 1);
  });

  test('where its class is changed later', async () => {
    const prototype = PrivateEvents.prototype;
    const spy = mock.method(prototype, 'publish', () => 42);
    try {
      assert.equal(own('private-fields').publish(event), 42);
    } finally {
      spy.mock.restore();
    }
    assert.equal(own('private-fields').publish(event), 3);
    assert.equal(await published('private-fields'), 3);
  });

  test('where the app puts a method of its own in, and takes it out', async () => {
    const events = own('extended');
    const before = events.publish;
    assert.equal(events.publish, before);
    const spy = mock.method(events, 'publish', () => 43);
    assert.equal(events.publish(event), 43);
    spy.mock.restore();
    assert.equal(events.publish, before);
    assert.equal(events.publish(event), 102);
    assert.equal(await published('extended'), 2);
  });

  test('that cannot be changed: it is not measured', async () => {
    assert.equal(own('frozen').publish(event), 1);
    assert.equal(own('read-only').publish(event), 7);
    assert.equal(own('closed-proxy').publish(event), 9);
    assert.deepEqual(Object.getOwnPropertyNames(own('frozen')), ['subscribed']);
    for (const id of ['frozen', 'read-only', 'closed-proxy'] as const) {
      assert.equal(await published(id), undefined);
    }
  });

  test('whose methods are accessors, which are read as often', async () => {
    assert.equal(reads, 0);
    const events = own('accessor-methods');
    assert.equal(events.publish, events.publish);
    assert.equal(events.publish(event), 8);
    assert.equal(reads, 3);
    assert.equal(Reflect.set(events, 'publish', 1), false);
    assert.equal(await published('accessor-methods'), 1);
  });

  test('behind a proxy that binds', () => {
    assert.equal(own('binding-proxy').publish(event), 1);
  });

  test('that is a mock, which keeps its calls', async () => {
    const { publish } = own('mocked') as unknown as {
      publish: ReturnType<typeof mock.fn>;
    };
    const before = publish.mock.callCount();
    assert.equal(own('mocked').publish(event), 10);
    assert.equal(publish.mock.callCount(), before + 1);
    assert.deepEqual(publish.mock.calls.at(-1)?.arguments, [event]);
    assert.equal(await published('mocked'), 1);
  });

  test('that returns a promise of its own class: the same one', () => {
    const result = own('own-promise').publish(event) as unknown as Cancellable;
    assert.equal(result, cancellable);
    result.cancel();
    assert.ok(cancellable.cancelled);
  });

  test('that returns what begins when it is waited for', async () => {
    const result = own('lazy').publish(event) as unknown as {
      where: () => string;
    } & PromiseLike<number>;
    assert.equal(result.where(), 'chained');
    assert.equal(waits, 0);
    assert.equal(await result, 11);
    assert.equal(waits, 1);
    assert.equal(await published('lazy'), 1);
  });

  test('whose forgotten rejection is not taken for handled', async () => {
    const unhandled = new Promise(resolve => {
      const listeners = process.listeners('unhandledRejection');
      process.removeAllListeners('unhandledRejection');
      process.once('unhandledRejection', error => {
        listeners.forEach(one => process.on('unhandledRejection', one));
        resolve(error);
      });
    });
    void own('rejecting').publish(event);
    assert.match(String(await unhandled), /forgotten/);
    assert.equal(await published('rejecting'), undefined);
  });

  test('gets options that are as those that were passed', async () => {
    class Options {
      #text = 'private';
      id = 'options';
      topics = ['made'];
      static last: unknown;
      set extra(text: string) {
        this.#text = text;
      }
      describe() {
        return this.#text;
      }
      onEvent() {
        Options.last = this.#text;
      }
    }
    const options = Object.assign(new Options(), { [Symbol.for('own')]: 1 });
    const events = own('private-fields') as unknown as PrivateEvents;
    await events.subscribe(options);
    const given = events.subscribed.at(-1) as Options & typeof options;
    assert.ok(given instanceof Options);
    assert.equal(given.constructor, Options);
    assert.deepEqual(Reflect.ownKeys(given), Reflect.ownKeys(options));
    assert.equal(given.topics, options.topics);
    assert.equal(given.onEvent, given.onEvent);
    assert.equal(given.describe(), 'private');
    given.extra = 'changed';
    assert.equal(options.describe(), 'changed');
    given.onEvent();
    assert.equal(Options.last, 'changed');
    options.id = 'later';
    assert.equal(given.id, 'later');
    given.id = 'written';
    assert.equal(options.id, 'written');
    const collection = await metrics.collect();
    assert.equal(
      collection.value(PROCESSED, {
        plugin: 'private-fields',
        subscriber: 'options',
        topic: '_OTHER',
        result: 'ok',
      }),
      1,
    );
  });

  test('gets frozen options that are frozen', async () => {
    const options = Object.freeze({ id: 'a', topics: [], onEvent: () => 5 });
    const events = own('private-fields') as unknown as PrivateEvents;
    await events.subscribe(options);
    const given = events.subscribed.at(-1) as typeof options;
    assert.ok(Object.isFrozen(given));
    assert.deepEqual(Object.keys(given), Object.keys(options));
    assert.equal(given.onEvent(), 5);
  });
});
