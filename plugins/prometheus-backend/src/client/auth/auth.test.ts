import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '@backstage/types';
import { clientOf } from '../../../../../__test__/support/prometheusClients';
import {
  type Asked,
  json,
  UpstreamServer,
} from '../../../../../__test__/support/UpstreamServer';

const RANGE = { start: 0, end: 60, step: 60 };
const EMPTY = { status: 'success', data: { resultType: 'matrix', result: [] } };

function fileOf(t: TestContext, text: string): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'prometheus-auth-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'secret');
  writeFileSync(file, text);
  return file;
}

const answering = (t: TestContext) =>
  UpstreamServer.start(t, (_, response) => json(response, EMPTY));

const authorizations = (server: UpstreamServer) =>
  server.asked.map(({ headers }) => headers.authorization);

describe('a file with a credential', () => {
  test('is read again for every request', async t => {
    const server = await answering(t);
    const tokenFile = fileOf(t, 'first\n');
    const auth = { type: 'bearer', tokenFile };
    const client = clientOf(t, server.url, {}, { auth });
    await client.queryRange('up', RANGE);
    writeFileSync(tokenFile, 'second');
    await client.queryRange('up', RANGE);
    assert.deepEqual(authorizations(server), ['Bearer first', 'Bearer second']);
  });

  test('may hold a password or a header', async t => {
    const server = await answering(t);
    const file = fileOf(t, 'pä:ss\n');
    const basic = { type: 'basic', username: 'u', passwordFile: file };
    await clientOf(t, server.url, {}, { auth: basic }).queryRange('up', RANGE);
    const plain = fileOf(t, 'key');
    const header = { type: 'header', name: 'X-Key', valueFile: plain };
    await clientOf(t, server.url, {}, { auth: header }).queryRange('up', RANGE);
    const [first, second] = server.asked;
    const pair = Buffer.from('u:pä:ss').toString('base64');
    assert.equal(first.headers.authorization, `Basic ${pair}`);
    assert.equal(second.headers['x-key'], 'key');
  });

  for (const [what, text, says] of [
    [
      'is gone',
      undefined,
      /the file of prometheus\.instances\[0\]\.auth\.tokenFile cannot be read \(ENOENT\)$/,
    ],
    ['is empty', '\n', /auth\.tokenFile is empty$/],
    [
      'has two lines',
      'a\nX-B: c',
      /auth\.tokenFile has characters that a header cannot have$/,
    ],
  ] as const) {
    test(`that ${what} is an error, and nothing is asked`, async t => {
      const server = await answering(t);
      const file = fileOf(t, text ?? 'x');
      const tokenFile = text === undefined ? `${file}-gone` : file;
      const auth = { type: 'bearer', tokenFile };
      await assert.rejects(
        clientOf(t, server.url, {}, { auth }).queryRange('up', RANGE),
        ({ name, message }: Error) =>
          name === 'UpstreamRefusalError' &&
          says.test(message) &&
          !message.includes(tokenFile),
      );
      assert.equal(server.asked.length, 0);
    });
  }

  test('is in no text that a server says, nor are those before it', async t => {
    const server = await UpstreamServer.start(t, (_, response) =>
      json(
        response,
        {
          status: 'error',
          errorType: 'bad_data',
          error: 'neither hunter2-one nor hunter2-two',
        },
        400,
      ),
    );
    const tokenFile = fileOf(t, 'hunter2-one');
    const auth = { type: 'bearer', tokenFile };
    const client = clientOf(t, server.url, {}, { auth });
    await assert.rejects(client.queryRange('up', RANGE));
    writeFileSync(tokenFile, 'hunter2-two');
    await assert.rejects(
      client.queryRange('up', RANGE),
      /refused the query: neither \[…\] nor \[…\]$/,
    );
  });
});

/** Gives tokens `t1`, `t2`, … */
async function tokenServer(t: TestContext, more: JsonObject = {}) {
  let count = 0;
  return UpstreamServer.start(t, (_, response) => {
    count += 1;
    json(response, {
      access_token: `t${count}`,
      token_type: 'Bearer',
      expires_in: 3600,
      ...more,
    });
  });
}

describe('OAuth 2', () => {
  const authOf = (tokens: UpstreamServer, more: JsonObject = {}) => ({
    type: 'oauth2',
    tokenUrl: `${tokens.url}/oauth/token`,
    clientId: 'id:1',
    clientSecret: 'secret/2',
    ...more,
  });

  test('asks for one token, whoever waits for it, and keeps it', async t => {
    const [server, tokens] = [await answering(t), await tokenServer(t)];
    const auth = authOf(tokens, {
      scopes: ['a', 'b'],
      endpointParameters: { audience: 'x' },
    });
    const client = clientOf(t, server.url, {}, { auth });
    await Promise.all([
      client.queryRange('up', RANGE),
      client.queryRange('up', RANGE),
    ]);
    await client.queryRange('up', RANGE);
    assert.deepEqual(new Set(authorizations(server)), new Set(['Bearer t1']));
    const [{ method, url, headers, parameters }, ...others] = tokens.asked;
    assert.equal(others.length, 0);
    assert.deepEqual([method, url], ['POST', '/oauth/token']);
    assert.equal(headers.authorization, `Basic ${btoa('id%3A1:secret%2F2')}`);
    assert.deepEqual(Object.fromEntries(parameters), {
      audience: 'x',
      grant_type: 'client_credentials',
      scope: 'a b',
    });
  });

  test('sends the client in the form where that is wanted', async t => {
    const [server, tokens] = [await answering(t), await tokenServer(t)];
    const auth = authOf(tokens, { clientAuthentication: 'body' });
    await clientOf(t, server.url, {}, { auth }).queryRange('up', RANGE);
    const [{ headers, parameters }] = tokens.asked;
    assert.equal(headers.authorization, undefined);
    assert.equal(parameters.get('client_id'), 'id:1');
    assert.equal(parameters.get('client_secret'), 'secret/2');
  });

  test('asks for the next token before the last one ends', async t => {
    const server = await answering(t);
    const tokens = await tokenServer(t, { expires_in: 0.2 });
    const client = clientOf(t, server.url, {}, { auth: authOf(tokens) });
    await client.queryRange('up', RANGE);
    await sleep(150);
    await client.queryRange('up', RANGE);
    assert.deepEqual(authorizations(server), ['Bearer t1', 'Bearer t2']);
  });

  test('asks for another token once where the server refuses one', async t => {
    const tokens = await tokenServer(t);
    const isGood = ({ headers }: Asked) =>
      headers.authorization !== 'Bearer t1';
    const server = await UpstreamServer.start(t, (asked, response) =>
      isGood(asked)
        ? json(response, EMPTY)
        : response.writeHead(401).end('expired'),
    );
    const auth = authOf(tokens);
    await clientOf(t, server.url, {}, { auth }).queryRange('up', RANGE);
    assert.deepEqual(authorizations(server), ['Bearer t1', 'Bearer t2']);
    const refusing = await UpstreamServer.start(t, (_, response) =>
      response.writeHead(401).end(),
    );
    await assert.rejects(
      clientOf(t, refusing.url, {}, { auth }).queryRange('up', RANGE),
      /refused the backend's credentials \(HTTP 401\)$/,
    );
    assert.equal(refusing.asked.length, 2);
  });

  for (const [what, status, body, says] of [
    [
      'refuses the client',
      401,
      { error: 'invalid_client', error_description: 'secret/2' },
      /the token server answered with HTTP 401 \(invalid_client\)$/,
    ],
    ['is a page', 200, '<html>', /the token server gave no bearer token$/],
    [
      'has another kind of token',
      200,
      { access_token: 'x', token_type: 'mac' },
      /gave no bearer token$/,
    ],
  ] as const) {
    test(`says that the token server ${what}`, async t => {
      const server = await answering(t);
      const tokens = await UpstreamServer.start(t, (_, response) =>
        response
          .writeHead(status)
          .end(typeof body === 'string' ? body : JSON.stringify(body)),
      );
      const auth = authOf(tokens);
      await assert.rejects(
        clientOf(t, server.url, {}, { auth }).queryRange('up', RANGE),
        ({ message }: Error) =>
          says.test(message) && !message.includes('secret'),
      );
      assert.equal(server.asked.length, 0);
    });
  }
});

describe("AWS' Signature Version 4", () => {
  const auth = {
    type: 'sigv4',
    region: 'eu-west-1',
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  };

  for (const httpMethod of ['POST', 'GET'] as const) {
    test(`signs what is sent by ${httpMethod}`, async t => {
      const forms: string[] = [];
      const server = await UpstreamServer.start(t, (asked, response) => {
        forms.push(asked.parameters.toString());
        json(response, EMPTY);
      });
      const client = clientOf(
        t,
        `${server.url}/workspaces/ws-1`,
        {},
        { auth, httpMethod, queryParameters: { namespace: 'a b' } },
      );
      await client.queryRange('sum(up{a="b c"}) * 2', RANGE);
      const [asked] = server.asked;
      assert.equal(
        asked.headers.authorization,
        signatureOf(asked, httpMethod === 'POST' ? forms[0] : '', auth),
      );
    });
  }

  test('takes credentials of the environment where none are configured', async t => {
    const server = await answering(t);
    const before = { ...process.env };
    t.after(() => {
      process.env = before;
    });
    process.env.AWS_ACCESS_KEY_ID = 'AKIDOFENVIRONMENT';
    process.env.AWS_SECRET_ACCESS_KEY = 'x';
    process.env.AWS_SESSION_TOKEN = 'session';
    const own = { type: 'sigv4', region: 'eu-west-1', service: 'es' };
    await clientOf(t, server.url, {}, { auth: own }).queryRange('up', RANGE);
    const [{ headers }] = server.asked;
    assert.match(
      headers.authorization!,
      /Credential=AKIDOFENVIRONMENT\/\d{8}\/eu-west-1\/es\/aws4_request/,
    );
    assert.equal(headers['x-amz-security-token'], 'session');
  });
});

describe('a signer of requests', () => {
  test('signs all that is sent, and its headers are kept out of texts', async t => {
    const server = await UpstreamServer.start(t, (_, response) =>
      json(
        response,
        { status: 'error', errorType: 'bad_data', error: 'not signature-7' },
        400,
      ),
    );
    const seen: string[] = [];
    const client = clientOf(
      t,
      server.url,
      {
        signRequest: async ({
          instance,
          product,
          method,
          url,
          headers,
          body,
        }) => {
          await sleep(1);
          seen.push([instance, product, method, url.pathname, body].join(' '));
          assert.equal(headers['x-scope-orgid'], 'a');
          return { 'X-Signature': 'signature-7' };
        },
      },
      { tenant: 'a' },
    );
    await assert.rejects(
      client.query('up', { time: 1 }),
      /refused the query: not \[…\]$/,
    );
    assert.equal(server.asked[0].headers['x-signature'], 'signature-7');
    assert.deepEqual(seen, [
      'test Prometheus POST /api/v1/query query=up&time=1&timeout=15000ms&limit=501',
    ]);
  });

  test('that fails is logged, and said without its words', async t => {
    const server = await answering(t);
    const lines: string[] = [];
    const client = clientOf(t, server.url, {
      signRequest: () => Promise.reject(new Error('vault at 10.0.0.1')),
      logger: { warn: line => lines.push(line) },
    });
    await assert.rejects(client.queryRange('up', RANGE), {
      name: 'UpstreamRefusalError',
      message:
        'The Prometheus instance "test" was not asked, for there are no credentials: the request could not be signed; the backend’s log says why',
    });
    assert.match(lines.join(), /could not be signed.*vault at 10\.0\.0\.1/);
    assert.equal(server.asked.length, 0);
  });

  test('may not change what the request is', async t => {
    const server = await answering(t);
    const signRequest = () => ({ Host: 'elsewhere' });
    await assert.rejects(
      clientOf(t, server.url, { signRequest }).queryRange('up', RANGE),
      /the signer sets the header "host", which is the request's own$/,
    );
    assert.equal(server.asked.length, 0);
  });
});

/** By the specification, from what arrived: docs.aws.amazon.com, "Create a signed AWS API request". */
function signatureOf(
  { method, url, headers }: Asked,
  body: string,
  keys: { accessKeyId: string; secretAccessKey: string; region: string },
): string {
  const [, signed] = /SignedHeaders=([^,]+)/.exec(headers.authorization!)!;
  const { pathname, searchParams } = new URL(url, 'http://x');
  const encode = (text: string) =>
    encodeURIComponent(text).replace(
      /[!'()*]/g,
      letter => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');
  const hmac = (key: string | Buffer, text: string) =>
    createHmac('sha256', key).update(text).digest();
  const canonical = [
    method,
    pathname,
    [...searchParams]
      .map(pair => pair.map(encode).join('='))
      .sort()
      .join('&'),
    ...signed.split(';').map(name => `${name}:${String(headers[name])}`),
    '',
    signed,
    sha(body),
  ].join('\n');
  const time = String(headers['x-amz-date']);
  const scope = [time.slice(0, 8), keys.region, 'aps', 'aws4_request'];
  const key = scope.reduce<string | Buffer>(
    hmac,
    `AWS4${keys.secretAccessKey}`,
  );
  const text = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha(canonical)];
  const signature = hmac(key, text.join('\n')).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope.join('/')}, SignedHeaders=${signed}, Signature=${signature}`;
}
