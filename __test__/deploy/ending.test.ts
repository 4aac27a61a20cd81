import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend, ready } from '../support/backend';
import { endingSeconds, LONG_POLL_SECONDS } from './appConfig';

const LIMIT_MS = 150_000;

/** Another replica, to the backend. */
const ACCESS = {
  type: 'static',
  options: { token: 'a-token-of-another-replica', subject: 'replica' },
};

test(
  'a backend with an open long poll of the event bus ends within the time that the examples grant',
  { timeout: LIMIT_MS },
  async t => {
    const running = await backend(
      t,
      {},
      ['events', 'ending'],
      { APP_CONFIG_backend_auth_externalAccess: JSON.stringify([ACCESS]) },
      LIMIT_MS,
    );
    await ready(running);
    const subscription = `${running.url}/api/events/bus/v1/subscriptions/poll`;
    const authorization = `Bearer ${ACCESS.options.token}`;
    const created = await fetch(subscription, {
      method: 'PUT',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ topics: ['never'] }),
    });
    assert.equal(created.status, 201);
    const poll = await fetch(`${subscription}/events`, {
      headers: { authorization },
    });
    assert.equal(poll.status, 202);
    assert.equal(
      poll.headers.get('backstage-events-notify-timeout'),
      `${LONG_POLL_SECONDS * 1000}`,
    );
    const start = performance.now();
    running.program.send('SIGTERM');
    const { code, stdout, stderr } = await running.program.ending;
    assert.equal(code, 0, stdout + stderr);
    const seconds = (performance.now() - start) / 1000;
    t.diagnostic(`ended after ${seconds.toFixed(1)} s`);
    assert.ok(seconds < endingSeconds({ backend: {} }), `${seconds} s`);
  },
);
