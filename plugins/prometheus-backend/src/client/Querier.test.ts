import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../../../__test__/support/eventually';
import { querierOf } from '../../../../__test__/support/prometheusClients';
import {
  json,
  UpstreamServer,
} from '../../../../__test__/support/UpstreamServer';

const EMPTY = { data: { resultType: 'matrix', result: [] } };
const ASK = {
  instance: 'a',
  user: 'user:default/guest',
  query: 'up',
  start: 1000,
  end: 2000,
  step: 10,
};

/** A querier of one instance whose server answers when it is told to. */
async function held(t: Parameters<typeof querierOf>[0], limits = {}) {
  const answers: (() => void)[] = [];
  const server = await UpstreamServer.start(t, (_, response) => {
    answers.push(() => json(response, EMPTY));
  });
  const instances = [{ name: 'a', url: server.url }];
  const querier = querierOf(t, { instances, limits });
  return { server, querier, answers };
}

async function prompt(t: Parameters<typeof querierOf>[0], limits = {}) {
  const server = await UpstreamServer.start(t, (_, response) =>
    json(response, EMPTY),
  );
  const instances = [{ name: 'a', url: server.url }];
  return { server, querier: querierOf(t, { instances, limits }) };
}

describe('Querier', () => {
  test('asks once for many users who want the same at once', async t => {
    const { server, querier, answers } = await held(t);
    const all = Array.from({ length: 200 }, (_, user) =>
      // Within one step, so the aligned range is the same.
      querier.queryRange({ ...ASK, user: `u${user}`, end: 2000 + (user % 10) }),
    );
    await eventually(() => assert.equal(answers.length, 1));
    answers[0]();
    const results = await Promise.all(all);
    assert.equal(server.asked.length, 1);
    assert.ok(results.every(({ end }) => end === 2000));
  });

  test('answers a repeated request from the cache', async t => {
    const { server, querier } = await prompt(t);
    for (let round = 0; round < 5; round++) {
      await querier.queryRange(ASK);
      await querier.metadata({ ...ASK, metric: 'up' }).catch(() => {});
    }
    const ranges = server.asked.filter(({ url }) => url.includes('range'));
    assert.equal(ranges.length, 1);
  });

  test('asks again when the step of a range up to now is over', async t => {
    t.mock.timers.enable({ apis: ['Date'], now: 2_000_000 });
    const { server, querier } = await prompt(t);
    const ask = () => querier.queryRange({ ...ASK, end: Date.now() / 1000 });
    await ask();
    t.mock.timers.tick(9_999);
    await ask();
    assert.equal(server.asked.length, 1);
    t.mock.timers.tick(1);
    await ask();
    assert.equal(server.asked.length, 2);
    assert.equal(server.asked[1].parameters.get('end'), '2010');
  });

  test('asks separately for what differs', async t => {
    const { server, querier } = await prompt(t);
    await Promise.all(
      [
        ASK,
        { ...ASK, query: 'up{a="b"}' },
        { ...ASK, step: 20 },
        { ...ASK, end: 3000 },
      ].map(request => querier.queryRange(request)),
    );
    assert.equal(server.asked.length, 4);
  });

  test('ends the request upstream when the last of its callers leaves', async t => {
    const { server, querier, answers } = await held(t);
    const tabs = [new AbortController(), new AbortController()];
    const all = tabs.map(({ signal }) =>
      querier.queryRange({ ...ASK, signal }),
    );
    await eventually(() => assert.equal(answers.length, 1));
    tabs[0].abort(new Error('tab closed'));
    await assert.rejects(all[0], /tab closed/);
    assert.equal(server.abandoned, 0);
    tabs[1].abort(new Error('tab closed'));
    await assert.rejects(all[1], /tab closed/);
    await eventually(() => assert.equal(server.abandoned, 1));
  });

  test("answers from the cache at once, whatever the user's other queries wait for", async t => {
    const { querier, answers } = await held(t, { perUser: 1, queue: 1 });
    const known = querier.queryRange({ ...ASK, query: 'known' });
    await eventually(() => assert.equal(answers.length, 1));
    answers[0]();
    await known;
    const slow = ['slow', 'waiting'].map(query =>
      querier.queryRange({ ...ASK, query }),
    );
    await eventually(() => assert.equal(answers.length, 2));
    const again = querier.queryRange({ ...ASK, query: 'known' });
    const first = await Promise.race([again, Promise.race(slow), sleep(5000)]);
    assert.equal(first, await known.then(() => again));
    await assert.rejects(
      querier.queryRange({
        ...ASK,
        query: 'known',
        signal: AbortSignal.abort(),
      }),
      { name: 'AbortError' },
    );
    answers[1]();
    await eventually(() => assert.equal(answers.length, 3));
    answers[2]();
    await Promise.all(slow);
  });

  test('lets one user have only a share, and other users theirs', async t => {
    const { querier, answers } = await held(t, { perUser: 2, queue: 1 });
    const ask = (user: string, query: string) =>
      querier.queryRange({ ...ASK, user, query });
    const all = ['q1', 'q2', 'q3'].map(query => ask('greedy', query));
    await assert.rejects(ask('greedy', 'q4'), {
      statusCode: 429,
      message: /at once for you/,
    });
    all.push(ask('modest', 'q5'));
    await eventually(() => assert.equal(answers.length, 3));
    answers.forEach(answer => answer());
    await eventually(() => assert.equal(answers.length, 4));
    answers[3]();
    await Promise.all(all);
  });

  test('asks an instance for only so much at once, whoever wants it', async t => {
    const { server, querier, answers } = await held(t, {
      perInstance: 2,
      queue: 1,
    });
    const ask = (user: string) =>
      querier.queryRange({ ...ASK, user, query: user });
    const all = ['u1', 'u2', 'u3'].map(ask);
    await assert.rejects(ask('u4'), {
      statusCode: 429,
      message: /the Prometheus instance "a"/,
    });
    await eventually(() => assert.equal(server.asked.length, 2));
    answers.forEach(answer => answer());
    await eventually(() => assert.equal(answers.length, 3));
    answers[2]();
    await Promise.all(all);
  });

  test('keeps 200 users who want different things of a slow server within bounds', async t => {
    const at = { server: 0, most: 0 };
    const server = await UpstreamServer.start(t, async (_, response) => {
      at.most = Math.max(at.most, ++at.server);
      await sleep(30);
      at.server--;
      json(response, EMPTY);
    });
    const querier = querierOf(t, {
      instances: [{ name: 'a', url: server.url }],
    });
    const panelOf = (user: number) =>
      querier.queryRange({
        ...ASK,
        user: `u${user}`,
        query: `up{u="${user}"}`,
      });
    const asked = await Promise.allSettled(
      Array.from({ length: 200 }, (_, user) => panelOf(user)),
    );
    const refusals = asked.flatMap(one =>
      one.status === 'rejected' ? [one.reason as Error] : [],
    );
    const { perInstance, queue } = querier.limits;
    assert.equal(at.most, perInstance);
    assert.equal(refusals.length, 200 - perInstance - queue);
    assert.equal(server.asked.length, perInstance + queue);
    for (const { name } of refusals) {
      assert.equal(name, 'TooManyRequestsError');
    }
    // Whoever was refused is served as soon as the others are.
    await panelOf(199);
  });

  test('chooses a step for the points that are drawn', async t => {
    const { querier } = await prompt(t);
    const { step, timestamps } = await querier.queryRange({
      ...ASK,
      start: 0,
      end: 86_400,
      step: undefined,
      maxPoints: 500,
    });
    assert.equal(step, 300);
    assert.equal(timestamps.length, 289);
  });

  for (const ahead of [60, 86_400, 1e12]) {
    test(`asks for nothing of the future: ${ahead} s of it`, async t => {
      const { server, querier } = await prompt(t);
      const now = Date.now() / 1000;
      const range = { start: now - 600, end: now + ahead };
      const request = {
        ...ASK,
        ...range,
        query: 'sum_over_time(up[$__range])',
      };
      const { end, timestamps } = await querier.queryRange(request);
      await querier.exemplars(request).catch(() => {});
      for (const { parameters } of server.asked) {
        assert.ok(Number(parameters.get('end')) <= Date.now() / 1000);
      }
      assert.equal(server.asked.length, 2);
      assert.match(server.asked[0].parameters.get('query')!, /\[60\ds\]/);
      assert.ok(end > now - 20 && end <= Date.now() / 1000);
      assert.equal(timestamps.at(-1), end);
    });
  }

  for (const [what, request, says] of [
    [
      'a range that lies ahead',
      { start: Date.now() / 1000 + 600, end: Date.now() / 1000 + 1200 },
      /^The range begins at 20\d\d-.*Z, which is in the future: it is 20/,
    ],
    [
      'a range that lies beyond all dates',
      { start: 1e15, end: 1e15 },
      /^The range begins at 1000000000000000 s after 1970, which is/,
    ],
    [
      'a range that is too long',
      { start: 0, end: 32 * 86_400 },
      /2678400 s are the most/,
    ],
    [
      'a step that is too small',
      { start: 0, end: 86_400, step: 1 },
      /86401 points, and 11000 are the most/,
    ],
    ['a step of nothing', { step: 0 }, /whole seconds/],
    ['a step that is no number', { step: NaN }, /whole seconds/],
    ['a range that ends first', { start: 3000 }, /start before it ends/],
    ['a range without end', { end: Infinity }, /start before it ends/],
    ['too few points', { step: undefined, maxPoints: 1 }, /3 points/],
    [
      'an unknown instance',
      { instance: 'http://169.254.169.254' },
      /no Prometheus instance "http:\/\/169.254.169.254"; there are a$/,
    ],
  ] as [string, Partial<typeof ASK>, RegExp][]) {
    test(`refuses ${what} without asking`, async t => {
      const { server, querier } = await prompt(t);
      await assert.rejects(querier.queryRange({ ...ASK, ...request }), {
        name: request.instance ? 'UnknownInstanceError' : 'InputError',
        message: says,
      });
      assert.equal(server.asked.length, 0);
    });
  }
});
