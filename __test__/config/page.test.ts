import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import type { JsonObject } from '@backstage/types';
import { createMeterProvider, isMetricsError } from '@nativestage/metrics/sdk';
import { backend, ready } from '../support/backend';

describe('the page is found at the path that is configured', () => {
  const paths: [configured: string, asked: string[]][] = [
    ['/métriques', ['/métriques', '/m%C3%A9triques', '/m%c3%a9triques']],
    ['/m%c3%a9triques', ['/métriques', '/m%C3%A9triques']],
    ['/指标/📈', ['/指标/📈']],
    ['/%6Detrics/', ['/metrics/']],
    ["/a:b(c)+*!$&'@;=,", ["/a:b(c)+*!$&'@;=,", '/a%3Ab(c)+*!$&%27@;=,']],
    ['/{a}|^"<>`', ['/{a}|^"<>`']],
    ['/', ['/']],
  ];
  for (const [configured, asked] of paths) {
    test(`${configured}, however a client spells it`, async t => {
      const url = serve(t, { path: configured });
      for (const path of asked) {
        const response = await fetch(`${url}${path}`);
        assert.equal(response.status, 200, path);
        await response.text();
      }
      assert.equal((await fetch(`${url}/other`)).status, 404);
    });
  }

  test('of bytes, as a client may send them unescaped', async t => {
    const url = new URL(serve(t, { path: '/a{b}' }));
    const status = await new Promise((resolve, reject) => {
      request({ host: url.hostname, port: url.port, path: '/a{b}' }, answer => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on('error', reject)
        .end();
    });
    assert.equal(status, 200);
  });

  test("on the backend's own port too", async t => {
    const started = await backend(
      t,
      {
        exporters: {
          prometheus: {
            path: '/métriques.v2',
            onBackend: true,
            unauthenticated: true,
          },
        },
      },
      [],
      { OTEL_EXPORTER_PROMETHEUS_PORT: '0' },
    );
    await ready(started);
    for (const path of ['/métriques.v2', '/m%c3%a9triques.v2']) {
      const response = await fetch(`${started.url}${path}`);
      assert.equal(response.status, 200, path);
      assert.match(await response.text(), /^target_info/m);
    }
    assert.equal((await fetch(`${started.url}/metriques.v2`)).status, 404);
  });
});

describe('a token', () => {
  for (const [what, token] of [
    ['with the line break of a file', 't0ken\n'],
    ['in blanks', ' \tt0ken \r\n'],
    ['as it is', 't0ken'],
  ]) {
    test(`${what} lets in who sends it`, async t => {
      const url = serve(t, { token });
      const headers = { authorization: 'Bearer t0ken' };
      assert.equal((await fetch(`${url}/metrics`, { headers })).status, 200);
      assert.equal((await fetch(`${url}/metrics`)).status, 401);
    });
  }

  const impossible = [
    't0ken t0ken',
    't0ken\nt0ken',
    't0ken\u0000',
    't0ken\u007f',
    'schlüssel-t0ken',
    't0ken\u200b',
    '\ufefft0kén',
  ];
  for (const token of impossible) {
    test(`that no request could carry is refused: ${JSON.stringify(token)}`, () => {
      assert.throws(
        () =>
          createMeterProvider({
            exporters: { prometheus: { port: 0, token } },
          }),
        (error: unknown) => {
          assert.ok(isMetricsError(error));
          assert.equal(error.code, 'ERR_METRICS_INVALID_CONFIG');
          assert.match(
            error.message,
            /^options\.exporters\.prometheus\.token: .*visible ASCII/,
          );
          assert.doesNotMatch(error.message, /t0k/);
          return true;
        },
      );
    });
  }
});

/** A provider with a page of these settings; returns its URL without a path. */
function serve(t: TestContext, settings: JsonObject): string {
  const provider = createMeterProvider({
    exporters: { prometheus: { port: 0, ...settings } },
  });
  t.after(() => provider.shutdown());
  return `http://${provider.prometheusAddress}`;
}
