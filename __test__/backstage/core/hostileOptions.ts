import assert from 'node:assert/strict';
import { mock } from 'node:test';
import type { EventParams } from '@backstage/plugin-events-node';

/** Options of a subscription, hostile in some way, and the notes that they take. */
export type Subscriber = (
  topic: string,
  note: (text: string) => void,
) => unknown;

export const SUBSCRIBERS: Record<string, Subscriber> = {
  'a class with accessors over private fields': (topic, note) =>
    new (class {
      #id = 'reader';
      get id() {
        note('id');
        return this.#id;
      }
      get topics() {
        note('topics');
        return [topic];
      }
      get onEvent() {
        note('onEvent');
        return ({ eventPayload }: EventParams) =>
          note(`got ${String(eventPayload)}`);
      }
    })(),
  'a class whose method looks at this': (topic, note) =>
    new (class {
      id = 'reader';
      topics = [topic];
      onEvent(this: object) {
        note(`this has ${Object.keys(this).join()}`);
      }
    })(),
  'a class with static members': (topic, note) =>
    class {
      static id = 'reader';
      static topics = [topic];
      static onEvent = () => note('got it');
    },
  'a frozen object': (topic, note) =>
    Object.freeze({
      id: 'reader',
      topics: Object.freeze([topic]),
      onEvent: () => note('got it'),
    }),
  'an object with one read-only method': (topic, note) =>
    Object.defineProperty({ id: 'reader', topics: [topic] }, 'onEvent', {
      value: () => note('got it'),
    }),
  'an object without prototype': (topic, note) =>
    Object.assign(Object.create(null) as object, {
      id: 'reader',
      topics: [topic],
      onEvent: () => note('got it'),
    }),
  'an object that inherits everything': (topic, note) =>
    Object.create({
      id: 'reader',
      topics: [topic],
      onEvent: () => note('got it'),
    }) as object,
  'a proxy that answers reads alone': (topic, note) =>
    new Proxy(
      {},
      {
        get: (_, name) => {
          note(`reads ${String(name)}`);
          return { id: 'reader', topics: [topic], onEvent: () => note('got') }[
            name as string
          ];
        },
        ownKeys: () => assert.fail('nobody may ask for keys'),
        getOwnPropertyDescriptor: () => assert.fail('nor for properties'),
        getPrototypeOf: () => assert.fail('nor for the prototype'),
        has: () => assert.fail('nor whether there is something'),
      },
    ),
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  'a getter that throws': topic => ({
    id: 'reader',
    topics: [topic],
    get onEvent() {
      throw new RangeError('not now');
    },
  }),
  'a mock with properties': (topic, note) => ({
    id: 'reader',
    topics: [topic],
    onEvent: Object.assign(
      mock.fn(() => note('got it')),
      { retries: 3 },
    ),
  }),
  'topics of a class of their own': (topic, note) => ({
    id: 'reader',
    topics: new (class extends Array<string> {})(topic),
    onEvent: () => note('got it'),
  }),
  'a handler that throws': topic => ({
    id: 'reader',
    topics: [topic],
    onEvent: () => {
      throw new TypeError('no');
    },
  }),
  'a handler that rejects with nothing': topic => ({
    id: 'reader',
    topics: [topic],
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what is tried
    onEvent: () => Promise.reject(),
  }),
  'a handler that returns a thenable that returns nothing': (topic, note) => ({
    id: 'reader',
    topics: [topic],
    onEvent: () => ({
      then(done: () => void) {
        note('waited for');
        setTimeout(() => {
          note('done');
          done();
        }, 5);
      },
    }),
  }),
  'a handler that returns a thenable with private fields': (topic, note) => ({
    id: 'reader',
    topics: [topic],
    onEvent: () =>
      new (class {
        #text = 'private';
        then(done: () => void) {
          note(this.#text);
          done();
        }
      })(),
  }),
  'a handler that returns a thenable whose then throws': topic => ({
    id: 'reader',
    topics: [topic],
    onEvent: () => ({
      get then() {
        throw new Error('no then');
      },
    }),
  }),
  'a handler that is an async generator': (topic, note) => ({
    id: 'reader',
    topics: [topic],
    async *onEvent() {
      note('started');
      yield await Promise.resolve(1);
    },
  }),
  'no handler': topic => ({ id: 'reader', topics: [topic] }),
  'no options': () => undefined,
  'a number': () => 5,
};

export const TASK = {
  id: 'task',
  scope: 'local',
  frequency: { hours: 1 },
  timeout: { minutes: 1 },
} as const;

export type Task = (
  signal: AbortSignal,
  note: (text: string) => void,
) => unknown;

export const TASKS: Record<string, Task> = {
  'a class with accessors over private fields': (signal, note) =>
    new (class {
      #id = 'task';
      #runs = 0;
      get id() {
        note('id');
        return this.#id;
      }
      get scope() {
        note('scope');
        return 'local';
      }
      get signal() {
        note('signal');
        return signal;
      }
      get frequency() {
        return TASK.frequency;
      }
      get timeout() {
        return TASK.timeout;
      }
      fn() {
        this.#runs++;
        note(`run ${this.#runs}`);
      }
    })(),
  'a frozen object': (signal, note) =>
    Object.freeze({ ...TASK, signal, fn: () => note('run') }),
  'a frozen instance with private fields': (signal, note) => {
    const task = new (class {
      #text = 'private';
      signal = signal;
      fn = function (this: { text: string }) {
        note(this.text);
      };
      get text() {
        return this.#text;
      }
    })();
    return Object.freeze(Object.assign(task, TASK));
  },
  'a proxy that binds': (signal, note) =>
    new Proxy(
      new (class {
        #text = 'private';
        fn() {
          note(this.#text);
        }
      })(),
      {
        get: (target, name) => {
          note(`reads ${String(name)}`);
          return name === 'fn'
            ? target.fn.bind(target)
            : { ...TASK, signal }[name as 'id'];
        },
      },
    ),
  'a function that throws': signal => ({
    ...TASK,
    signal,
    fn: () => {
      throw new Error('no');
    },
  }),
  'a wrong id': signal => ({ ...TASK, id: '', signal, fn: () => {} }),
  'nothing to run': signal => ({ ...TASK, signal }),
  nothing: () => undefined,
};
