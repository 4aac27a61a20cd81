import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { eventually } from './eventually';
import { freePort } from './ports';
import { Program } from './Program';
import { PUSHGATEWAY } from './tools';

/** A metric family, as the gateway's own API gives it back. */
export interface PushedFamily {
  type: string;
  help: string;
  metrics: {
    labels: Record<string, string>;
    value?: string;
    count?: string;
    sum?: string;
    buckets?: Record<string, string>;
    quantiles?: Record<string, string>;
  }[];
}

/** A running Pushgateway. Ends with the test. */
export class Pushgateway {
  private constructor(private readonly url: string) {}

  static async serve(t: Pick<TestContext, 'after'>): Promise<Pushgateway> {
    const port = await freePort();
    const program = Program.command(t, PUSHGATEWAY, [
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ]);
    const gateway = new Pushgateway(`http://127.0.0.1:${port}`);
    await eventually(async () => {
      const { status } = await fetch(`${gateway.url}/-/ready`);
      assert.equal(status, 200, program.stderr);
    });
    return gateway;
  }

  /** Pushes a page in the format that its content type names; gives what the gateway answers. */
  async push(
    page: ArrayBuffer,
    contentType: string,
  ): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.url}/metrics/job/foreign`, {
      method: 'PUT',
      headers: { 'content-type': contentType },
      body: page,
    });
    return { status: response.status, text: await response.text() };
  }

  /** All families that it was sent, by name. */
  async families(): Promise<Record<string, PushedFamily>> {
    const response = await fetch(`${this.url}/api/v1/metrics`);
    const { data } = (await response.json()) as {
      data: Record<string, PushedFamily>[];
    };
    return Object.fromEntries(
      Object.entries(data[0] ?? {}).filter(([, value]) => value.metrics),
    );
  }
}
