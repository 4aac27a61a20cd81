import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { MetricsOptions } from '@nativestage/metrics/sdk';
import { OtlpReceiver } from './OtlpReceiver';
import { runNode } from './Program';

/**
 * The receiver that a program exported to, which has these options and variables.
 * `<receiver>` in a variable stands for the receiver's URL.
 */
export async function exportOfProgram(
  t: TestContext,
  env: Record<string, string>,
  options: MetricsOptions = { exporters: { prometheus: false } },
): Promise<OtlpReceiver> {
  const receiver = await OtlpReceiver.start(t);
  const ending = await runNode(t, 'lifecycle/environment.cjs', {
    args: [JSON.stringify(options)],
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      ...Object.fromEntries(
        Object.entries(env).map(([key, value]) => [
          key,
          value.replace('<receiver>', receiver.url),
        ]),
      ),
    },
  });
  assert.equal(ending.code, 0, ending.stderr);
  assert.match(ending.stdout, /flushed/, ending.stdout);
  return receiver;
}
