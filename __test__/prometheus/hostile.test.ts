import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer,
  get,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { before, describe, it } from 'node:test';
import type {
  EntityPanels,
  RangeResult,
} from '@nativestage/backstage-plugin-prometheus-common';
import { eventually } from '../support/eventually';
import { suiteScope } from '../support/suiteScope';
import { entityRoute, PortalFixture } from './PortalFixture';

const RULE = 'prometheus.io/rule';
const SERVICE = 'prometheus.io/service-name';
const SECRET = 'a-secret-of-the-instance';
const RANGE = { start: 1_700_000_000, end: 1_700_003_600, step: 60 };

interface Refusal {
  error?: { name: string; message: string };
}

/** What reached the server that stands for Prometheus. */
interface Asked {
  path: string;
  headers: IncomingMessage['headers'];
  form: URLSearchParams;
}

/** Names and values that would end a string, a selector or a query if they were not escaped. */
const ESCAPES = `a"} or secret{x="`;

const ENTITIES = {
  plain: { annotations: { [RULE]: 'up' } },
  injecting: {
    annotations: {
      [RULE]: 'named',
      'example.com/team': ESCAPES,
    },
  },
  roaming: {
    annotations: { [RULE]: 'up', [SERVICE]: 'http://169.254.169.254/' },
  },
  climbing: { annotations: { [RULE]: 'up', [SERVICE]: '../staging' } },
  redirected: { annotations: { [RULE]: 'up', [SERVICE]: 'redirecting' } },
  endless: { annotations: { [RULE]: 'up', [SERVICE]: 'endless' } },
  silent: { annotations: { [RULE]: 'up', [SERVICE]: 'silent' } },
  echoing: { annotations: { [RULE]: 'up', [SERVICE]: 'echoing' } },
  mute: {
    annotations: {
      [RULE]: Array.from({ length: 20 }, (_, at) => `metric_${at}`).join(),
      [SERVICE]: 'mute',
    },
  },
  greedy: { annotations: { [RULE]: 'a,\n'.repeat(21_800) } },
  endlessly: { annotations: { [RULE]: 'a,'.repeat(1_000_000) } },
};

describe('the Prometheus plugin among people who mean harm', () => {
  const asked: Asked[] = [];
  const gone: string[] = [];
  let elsewhere = 0;
  let portal: PortalFixture;
  const scope = suiteScope();

  before(async () => {
    const serve = async (
      handle: (request: IncomingMessage, response: ServerResponse) => void,
    ) => {
      const server = createServer(handle);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      scope.after(() => {
        server.close();
        server.closeAllConnections();
      });
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    const target = await serve((_request, response) => {
      elsewhere += 1;
      response.end('{}');
    });
    const url = await serve((request, response) => {
      void answer(request, response, target, asked, gone);
    });
    const instance = (name: string) => ({
      name,
      url: `${url}/${name}`,
      auth: { type: 'bearer', token: SECRET },
    });
    portal = await PortalFixture.start(scope, {
      prometheus: {
        customQueries: true,
        instances: [
          'default',
          'redirecting',
          'endless',
          'silent',
          'echoing',
          'mute',
        ].map(instance),
        queries: {
          named: {
            query:
              'up{team="${{ entity.metadata.annotations.example.com/team }}"}',
          },
        },
        limits: { maxBytes: 1_000_000, timeout: { seconds: 3 } },
      },
      entities: ENTITIES,
      env: { CUSTOM_QUERIES: 'allow' },
    });
  });

  const panelOf = async (name: string) => {
    const { status, body } = await portal.ask<EntityPanels>(
      entityRoute(name, 'panels'),
    );
    assert.equal(status, 200, JSON.stringify(body));
    return body.panels[0].id;
  };
  const draw = async (name: string, signal?: AbortSignal) =>
    portal.ask<RangeResult>(
      entityRoute(name, `panels/${await panelOf(name)}/range`),
      RANGE,
      signal,
    );

  it('sends what is in an entity as the value of a label, whatever it is', async () => {
    await draw('injecting');
    const { form } = asked.at(-1)!;
    assert.equal(form.get('query'), 'up{team="a\\"} or secret{x=\\""}');
  });

  it('goes nowhere for the name of an instance', async () => {
    for (const name of ['roaming', 'climbing']) {
      const { status, body } = await portal.ask<Refusal>(
        entityRoute(name, 'panels'),
      );
      assert.equal(status, 400);
      assert.match(
        body.error!.message,
        /there are default, redirecting, endless, silent, echoing, mute$/,
      );
    }
  });

  it('follows no redirect, and does not say where it would have led', async () => {
    const { status, body } = await draw('redirected');
    assert.equal(status, 502, JSON.stringify(body));
    assert.doesNotMatch(JSON.stringify(body), /127\.0\.0\.1|169\.254/);
    assert.equal(elsewhere, 0);
  });

  it('gives an answer without an end up, and one that never comes', async () => {
    const [endless, silent] = await Promise.all([
      draw('endless'),
      draw('silent'),
    ]);
    assert.equal(endless.status, 400, JSON.stringify(endless.body));
    assert.match(endless.body.error!.message, /too large|bytes/i);
    assert.equal(silent.status, 504, JSON.stringify(silent.body));
    for (const { body } of [endless, silent]) {
      assert.doesNotMatch(JSON.stringify(body), new RegExp(SECRET));
      assert.doesNotMatch(JSON.stringify(body), /127\.0\.0\.1/);
    }
  });

  it('ends the query of a tab that was closed', async () => {
    const panel = await panelOf('silent');
    const before = gone.length;
    const tab = new AbortController();
    const request = portal.ask(
      entityRoute('silent', `panels/${panel}/range`),
      { ...RANGE, end: RANGE.end + 60 },
      tab.signal,
    );
    const count = () =>
      asked.filter(({ path }) => path === '/silent/api/v1/query_range').length;
    const queries = count();
    await eventually(() => assert.equal(count(), queries + 1));
    tab.abort();
    await assert.rejects(request, { name: 'AbortError' });
    await eventually(() => assert.ok(gone.length > before), 2_000);
  });

  it('draws the first graphs of an annotation that asks for thousands, at once', async () => {
    const start = performance.now();
    const { body } = await portal.ask<EntityPanels>(
      entityRoute('greedy', 'panels'),
    );
    const took = performance.now() - start;
    assert.ok(took < 5_000, `the list took ${took} ms`);
    assert.equal(body.panels.length, 100);
    assert.match(
      body.problems[0].message,
      /line 101, column 1: there are 21800 queries, and 100 are the most/,
    );
    const many = await Promise.all(
      body.panels.slice(0, 20).map(({ id }, at) =>
        portal.ask<RangeResult>(entityRoute('greedy', `panels/${id}/range`), {
          ...RANGE,
          end: RANGE.end + 6_000 + 60 * at,
        }),
      ),
    );
    assert.deepEqual([...new Set(many.map(({ status }) => status))], [200]);
    const all = performance.now() - start;
    assert.ok(all < 15_000, `the page took ${all} ms`);
    const long = await portal.ask<EntityPanels>(
      entityRoute('endlessly', 'panels'),
    );
    assert.deepEqual(long.body.panels, []);
    assert.match(long.body.problems[0].message, /65536 are the most/);
  });

  it('gives the list of graphs where nobody tells what metrics are', async () => {
    const start = performance.now();
    const { status, body } = await portal.ask<EntityPanels>(
      entityRoute('mute', 'panels'),
    );
    assert.deepEqual([status, body.panels.length], [200, 20]);
    const took = performance.now() - start;
    // One wave of questions may take 3 s, and 20 go in three.
    assert.ok(took < 5_000, `it took ${took} ms`);
  });

  it('repeats none of what a server was sent', async () => {
    const { status, body } = await draw('echoing');
    assert.equal(status, 400, JSON.stringify(body));
    assert.match(body.error!.message, /the backend’s log says which$/);
    assert.doesNotMatch(
      JSON.stringify(body),
      new RegExp(`${SECRET}|127\\.0\\.0\\.1|etc`),
    );
    await eventually(() =>
      assert.match(
        portal.program.stdout + portal.program.stderr,
        /"echoing\\?" answered HTTP 400/,
      ),
    );
  });

  it('reaches no other route of the catalog by a reference', async () => {
    const missing = await portal.ask<Refusal>(entityRoute('absent', 'panels'));
    assert.deepEqual(
      [missing.status, missing.body.error!.message],
      [404, 'There is no entity component:default/absent'],
    );
    for (const reference of [
      '%2e%2e/default/plain',
      'component/%2e%2e/plain',
      'component/default/%2e%2e',
      '%2e%2e/%2e%2e/%2e%2e',
      '.%2e/%2e/entity-facets%3ffacet=kind',
      '%2e%2e%2f%2e%2e/default/plain',
      'component/default%2f%2e%2e/plain',
      'component/default/%5c%2e%2e',
      'component/default/a%00b',
      'component/default/%20',
    ]) {
      const { status, message } = await rawGet(
        portal,
        `/entities/${reference}/panels`,
      );
      assert.equal(status, 404, `${reference}: ${message}`);
      assert.match(message, /^There is no entity /);
    }
  });

  it('passes on none of what a client sends beside a range', async () => {
    const panel = await panelOf('plain');
    asked.length = 0;
    const { status } = await portal.ask(
      `${entityRoute('plain', `panels/${panel}/range`)}?query=secret&start=0&dedup=false`,
      { ...RANGE, end: RANGE.end + 120 },
    );
    assert.equal(status, 200);
    const [{ path, headers, form }] = asked;
    assert.equal(path, '/default/api/v1/query_range');
    assert.deepEqual(form.getAll('query'), ['up']);
    assert.equal(form.get('dedup'), null);
    assert.equal(headers.authorization, `Bearer ${SECRET}`);
    assert.equal(headers.cookie, undefined);
    for (const body of [
      { ...RANGE, query: ['up', 'secret'] },
      { ...RANGE, 'query[]': 'secret' },
      { ...RANGE, __proto__: null, constructor: 1 },
      { ...RANGE, start: '0' },
      { ...RANGE, step: -1 },
      { ...RANGE, maxPoints: 1e9 },
      [],
    ]) {
      const refused = await portal.ask<Refusal>(
        entityRoute('plain', `panels/${panel}/range`),
        body,
      );
      assert.equal(refused.status, 400, JSON.stringify(body));
    }
    const large = await portal.ask<Refusal>('/query/instant', {
      query: 'x'.repeat(100_000),
    });
    assert.equal(large.status, 413);
    const long = await portal.ask<Refusal>('/query/instant', {
      query: `up{x="${'x'.repeat(20_000)}"}`,
    });
    assert.equal(long.status, 400, JSON.stringify(long.body));
  });

  it('asks once for many who open the same page at once', async () => {
    const panel = await panelOf('plain');
    const range = { ...RANGE, end: RANGE.end + 600 };
    asked.length = 0;
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        portal.ask<RangeResult>(
          entityRoute('plain', `panels/${panel}/range`),
          range,
        ),
      ),
    );
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal(asked.length, 1);
  });

  it('says in no log what only the configuration may hold', () => {
    const { stdout, stderr } = portal.program;
    assert.doesNotMatch(stdout + stderr, new RegExp(SECRET));
  });
});

/** Of an address as it is written: `fetch` would resolve its dots. */
async function rawGet(
  portal: PortalFixture,
  path: string,
): Promise<{ status?: number; message: string }> {
  const { hostname, port } = new URL(portal.url);
  const asking = get({
    hostname,
    port,
    path: `/api/prometheus${path}`,
    headers: { authorization: portal.authorization },
  });
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += String(chunk);
  }
  const { error } = JSON.parse(text) as Refusal;
  return { status: response.statusCode, message: error?.message ?? '' };
}

/** A Prometheus by the first part of the path: one that answers, and some that do not. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  elsewhere: string,
  asked: Asked[],
  gone: string[],
): Promise<void> {
  const path = request.url ?? '';
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  if (!path.includes('/metadata')) {
    asked.push({ path, headers: request.headers, form });
  }
  response.on('close', () => {
    if (!response.writableFinished) {
      gone.push(path);
    }
  });
  const [, instance] = path.split('/');
  if (instance === 'mute') {
    // Never.
  } else if (path.includes('/metadata')) {
    response.end('{"status":"success","data":{}}');
  } else if (instance === 'redirecting') {
    response.writeHead(302, { location: `${elsewhere}/latest/meta-data` });
    response.end();
  } else if (instance === 'echoing') {
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({
        status: 'error',
        errorType: 'bad_data',
        error: `parse error at ${request.headers.host} of ${JSON.stringify(request.headers)}, see /etc/prometheus/prometheus.yml`,
      }),
    );
  } else if (instance === 'endless') {
    response.write(
      '{"status":"success","data":{"resultType":"matrix","result":[',
    );
    const more = () => {
      while (!response.destroyed && response.write(' '.repeat(65_536)));
    };
    response.on('drain', more);
    more();
  } else if (instance === 'default') {
    response.end(
      '{"status":"success","data":{"resultType":"matrix","result":[]}}',
    );
  }
}
