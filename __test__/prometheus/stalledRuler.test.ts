// A ruler that stands still, behind Backstage's proxy: what its rules said last is not what is now.
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import type { Entity } from '@backstage/catalog-model';
import { ConfigReader } from '@backstage/config';
import { ProxyPrometheusApi } from '../../plugins/prometheus/src/api/ProxyPrometheusApi';
import { eventually } from '../support/eventually';
import { forwardTo } from '../support/forwardTo';
import { Prometheus } from '../support/Prometheus';
import { prometheus, without } from '../support/tools';
import { suiteScope } from '../support/suiteScope';
import { json, UpstreamServer } from '../support/UpstreamServer';
import { ProxyFixture } from './ProxyFixture';

const HOUR = 3600;

const RULES = [
  { alert: 'Fires', expr: 'vector(1)' },
  { alert: 'Waits', expr: 'vector(1)', for: '1h' },
  { alert: 'Quiet', expr: 'vector(0) > 1' },
];

const INSTANCES = ['default', 'ruler'].map(name => ({
  name,
  proxyPath: `/${name}`,
}));

const OWN_CLOCK = /^Nothing says the server’s time, so this device’s clock/;

/** An answer of `/api/v1/rules`, as far as it is moved. */
interface Answer {
  data: {
    groups: { interval: number; rules: { lastEvaluation: string }[] }[];
  };
}

describe(
  "a ruler that stands still behind Backstage's proxy",
  { skip: without(prometheus(3).server) },
  () => {
    let proxy: ProxyFixture;
    let said: Answer;
    /** Seconds by which what the server said is old. */
    let age = 0;
    const scope = suiteScope();

    before(async () => {
      const server = await Prometheus.serve(scope, {
        groups: [{ name: 'shop', rules: RULES }],
        limit: 180_000,
      });
      said = await eventually(async () => {
        const response = await fetch(`${server.url}/api/v1/rules?type=alert`);
        const text = await response.text();
        assert.match(text, /"firing"/);
        assert.doesNotMatch(text, /"lastEvaluation":"0001/);
        return JSON.parse(text) as Answer;
      });
      // What a Prometheus said, kept and said again, as by one whose ruler no longer turns.
      const standing = await UpstreamServer.start(scope, (one, answer) =>
        isRules(one)
          ? json(answer, moved(said, age))
          : forwardTo(server.url, one, answer),
      );
      const rulerAlone = await UpstreamServer.start(scope, (one, answer) =>
        isRules(one)
          ? json(answer, moved(said, age))
          : answer.writeHead(404).end(),
      );
      proxy = await ProxyFixture.start(scope, {
        '/default': `${standing.url}/api/v1/`,
        '/ruler': `${rulerAlone.url}/api/v1/`,
      });
    });

    /** @param isOtherOrigin - whether the browser keeps the answers' headers to itself */
    const alertsOf = async (
      seconds: number,
      name: string,
      isOtherOrigin = true,
    ) => {
      age = seconds;
      const api = ProxyPrometheusApi.create({
        configApi: new ConfigReader({ prometheus: { instances: INSTANCES } }),
        discoveryApi: proxy.discoveryApi,
        fetchApi: isOtherOrigin
          ? { fetch: withoutDate(proxy) }
          : proxy.fetchApi,
      });
      const { alerts, warnings } = await api.alerts(entity(name), 'all');
      const states = alerts.map(
        ({ name: rule, state, isStalled }) =>
          `${rule} ${state}${isStalled ? ' stalled' : ''}`,
      );
      return { states, warnings };
    };

    const FRESH = ['Fires firing', 'Waits pending', 'Quiet inactive'];
    const OLD = [
      'Fires firing stalled',
      'Quiet unknown stalled',
      'Waits unknown stalled',
    ];

    it('is noticed by the time at which the proxy answers', async () => {
      const asked = proxy.asked.length;
      assert.deepEqual(await alertsOf(30, 'default', false), {
        states: FRESH,
        warnings: [],
      });
      assert.deepEqual(await alertsOf(HOUR, 'default', false), {
        states: OLD,
        warnings: [],
      });
      assert.equal(proxy.asked.length - asked, 2, 'nothing else is asked');
    });

    for (const ahead of [0, -2 * HOUR, 2 * HOUR]) {
      it(`is noticed by the server's clock in an app of another origin, on a device ${ahead} s ahead`, async t => {
        shiftClock(t, ahead);
        assert.deepEqual(await alertsOf(30, 'default'), {
          states: FRESH,
          warnings: [],
        });
        assert.deepEqual(await alertsOf(HOUR, 'default'), {
          states: OLD,
          warnings: [],
        });
      });
    }

    it("is noticed by the device's clock where nothing says the time, and that is said", async () => {
      for (const [seconds, expected] of [
        [30, FRESH],
        [HOUR, OLD],
      ] as const) {
        const { states, warnings } = await alertsOf(seconds, 'ruler');
        assert.deepEqual(states, expected);
        assert.equal(warnings.length, 1);
        assert.match(warnings[0], OWN_CLOCK);
      }
    });
  },
);

function isRules({ url }: { url: string }): boolean {
  return url.startsWith('/api/v1/rules?');
}

/** The answer with its newest evaluation so many seconds ago. */
function moved({ data }: Answer, seconds: number): object {
  const times = data.groups.flatMap(({ rules }) =>
    rules.map(({ lastEvaluation }) => Date.parse(lastEvaluation)),
  );
  const shift = realNow() - seconds * 1000 - Math.max(...times);
  return {
    status: 'success',
    data: {
      groups: data.groups.map(group => ({
        ...group,
        rules: group.rules.map(rule => ({
          ...rule,
          lastEvaluation: new Date(
            Date.parse(rule.lastEvaluation) + shift,
          ).toISOString(),
        })),
      })),
    },
  };
}

function realNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Moves the clock of who asks; the servers' is another process's, or {@link realNow}. */
function shiftClock(t: TestContext, seconds: number): void {
  t.mock.method(Date, 'now', () => realNow() + seconds * 1000);
}

/** As a browser fetches from another origin that does not expose the header. */
function withoutDate({ fetchApi }: ProxyFixture): typeof fetch {
  return async (input, init) => {
    const response = await fetchApi.fetch(input, init);
    const headers = new Headers(response.headers);
    headers.delete('date');
    const { status } = response;
    return new Response(response.body, { status, headers });
  };
}

function entity(instance: string): Entity {
  return {
    apiVersion: 'backstage.io/v1alpha1',
    kind: 'Component',
    metadata: {
      name: 'shop',
      annotations: { 'prometheus.io/service-name': instance },
    },
  };
}
