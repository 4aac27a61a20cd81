import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { Program } from '../support/Program';
import { provide } from './support';

/** What `fixtures/hostile/clients.cjs` can do. */
const BEHAVIOURS = [
  'reads 64 KB a second',
  'reads a compressed page slowly',
  'reads a byte a second',
  'reads nothing and has said all it will',
  'dribbles a header',
  'idles after an answer',
  'asks for what is not there',
  'asks for heads',
  'asks for the page over and over',
  'posts',
];

const TOKEN = 'l0ng-s3cret-t0ken';

/** A scrape has 10 s by default. */
const BOUND_MS = 8000;

describe('the page comes through', () => {
  for (const behaviour of BEHAVIOURS) {
    for (const [clients, token] of [
      [64, undefined],
      [200, undefined],
      [200, TOKEN],
    ] as const) {
      const known = token ? ', whom the token is not known to' : '';
      test(`beside ${clients} clients of which each ${behaviour}${known}`, async t => {
        const url = page(t, token);
        await crowd(t, url, behaviour, clients);
        for (let scrape = 0; scrape < 3; scrape++) {
          const took = await timed(() => assertServes(url, token));
          assert.ok(took < BOUND_MS, `${took} ms`);
          t.diagnostic(`${Math.round(took)} ms`);
        }
      });
    }
  }
});

/** The address of a page of 4 MB. */
function page(t: TestContext, token?: string): string {
  const { provider, url } = provide(t, { token });
  const meter = provider.getMeter('m');
  meter.createCounter('hits').add(1);
  const large = meter.createCounter('large');
  for (let set = 0; set < 1900; set++) {
    large.add(1, { set: `${set}`.padEnd(2000, 'x') });
  }
  return url;
}

async function crowd(
  t: TestContext,
  url: string,
  behaviour: string,
  clients: number,
): Promise<void> {
  const { hostname, port } = new URL(url);
  const program = Program.node(t, 'hostile/clients.cjs', {
    args: [hostname, port, behaviour, String(clients)],
  });
  await program.line(/connected/);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** Scrapes on a connection of its own, as a Prometheus does that has just started. */
async function assertServes(url: string, token?: string): Promise<void> {
  const request = get(url, {
    agent: false,
    headers: token ? { authorization: `Bearer ${token}` } : {},
    signal: AbortSignal.timeout(30_000),
  });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  assert.match(await text(response), /^hits_total\{.*\} 1$/m);
}
