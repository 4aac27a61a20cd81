import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackendPrometheusApi } from './BackendPrometheusApi';

const ENTITY = {
  apiVersion: 'v1',
  kind: 'Component',
  metadata: { namespace: 'a b', name: 'shop' },
};

function answering(response: Response) {
  const asked: [url: unknown, init: RequestInit | undefined][] = [];
  const api = new BackendPrometheusApi({
    discoveryApi: {
      getBaseUrl: plugin => Promise.resolve(`http://x/api/${plugin}`),
    },
    fetchApi: {
      fetch: (url, init) => {
        asked.push([url, init]);
        return Promise.resolve(response);
      },
    },
  });
  return { api, asked };
}

test('a request names the entity and the panel, and nothing that the backend does not know', async () => {
  const { api, asked } = answering(Response.json({}));
  const panel = { id: 'p/1', title: 'Up', query: 'up' };
  const range = { start: 1, end: 2, maxPoints: 300, zone: 'utc' };
  const { signal } = new AbortController();
  await api.panelRange(ENTITY, panel, range, { signal });
  const [[url, init]] = asked;
  assert.equal(
    url,
    'http://x/api/prometheus/entities/Component/a%20b/shop/panels/p%2F1/range',
  );
  assert.equal(init?.body, '{"start":1,"end":2,"maxPoints":300}');
  assert.equal(init?.signal, signal);
});

for (const [what, response, name, message] of [
  [
    'a route that the backend does not have',
    () => new Response('', { status: 404 }),
    'PluginMissingError',
    /^The backend has no Prometheus plugin/,
  ],
  [
    'the page of a load balancer that knows no backend',
    () =>
      new Response('<html>default backend - 404</html>', {
        status: 404,
        statusText: 'Not Found',
        headers: { 'content-type': 'text/html' },
      }),
    'ResponseError',
    /^Request failed with 404 Not Found$/,
  ],
  [
    'a gateway that has no such route',
    () => Response.json({ message: 'no Route matched' }, { status: 404 }),
    'ResponseError',
    /^Request failed with 404/,
  ],
  [
    'a page where JSON was expected',
    () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
    'AnswerError',
    /not JSON/,
  ],
  [
    'an error of what stands between',
    () => new Response('<html>', { status: 502, statusText: 'Bad Gateway' }),
    'ResponseError',
    /^Request failed with 502 Bad Gateway$/,
  ],
] as const) {
  test(`${what} is a ${name}`, async () => {
    const { api } = answering(response());
    await assert.rejects(api.panels(ENTITY), { name, message });
  });
}
