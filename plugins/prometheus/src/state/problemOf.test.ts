import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  InputError,
  ResponseError,
  ServiceUnavailableError,
} from '@backstage/errors';
import { parseAlerts } from '@nativestage/backstage-plugin-prometheus-common';
import { PluginMissingError } from '../api/PluginMissingError';
import { problemOf } from './problemOf';

async function refused(status: number, name: string, message: string) {
  const body = {
    error: { name, message },
    request: { method: 'GET', url: '/' },
    response: { statusCode: status },
  };
  return ResponseError.fromResponse(
    new Response(JSON.stringify(body), {
      status,
      headers: { 'content-type': 'application/json' },
    }),
  );
}

for (const [status, name, title, isTransient] of [
  [400, 'InputError', 'Prometheus could not be asked', false],
  [401, 'AuthenticationError', 'You are not signed in', false],
  [403, 'NotAllowedError', 'You may not see this', false],
  [404, 'NotFoundError', 'There is nothing here', false],
  [429, 'Error', 'Too many queries at once', true],
  [500, 'Error', 'Something went wrong', true],
  [502, 'UpstreamRefusalError', 'Prometheus cannot be asked', false],
  [502, 'Error', 'Prometheus did not answer', true],
  [503, 'ServiceUnavailableError', 'Prometheus did not answer', true],
  [504, 'UpstreamTimeoutError', 'Prometheus did not answer', true],
] as const) {
  test(`HTTP ${status} is: ${title}`, async () => {
    const problem = problemOf(await refused(status, name, 'as it was said'));
    assert.equal(problem.title, title);
    assert.equal(problem.isTransient, isTransient);
    assert.ok(status === 401 || problem.detail.startsWith('as it was said'));
  });
}

test('a 404 that is not of Backstage passes', async () => {
  const error = await ResponseError.fromResponse(
    new Response('<html>', { status: 404, statusText: 'Not Found' }),
  );
  const problem = problemOf(error);
  assert.equal(problem.title, 'Backstage could not be reached');
  assert.equal(problem.isTransient, true);
});

test("what fails in the browser is told apart like the backend's answers", () => {
  for (const [error, title] of [
    [new InputError('x'), 'Prometheus could not be asked'],
    [thrown(() => parseAlerts('"a')), 'Prometheus could not be asked'],
    [
      thrown(() => parseAlerts('a,'.repeat(2_000))),
      'Prometheus could not be asked',
    ],
    [new ServiceUnavailableError('x'), 'Prometheus did not answer'],
    [new TypeError('Failed to fetch'), 'Backstage could not be reached'],
    [new PluginMissingError(), 'The Prometheus backend is not installed'],
    [new Error('x'), 'Something went wrong'],
  ] as const) {
    assert.equal(problemOf(error).title, title);
  }
});

function thrown(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
