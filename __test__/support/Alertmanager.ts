import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { eventually } from './eventually';
import { freePort } from './ports';
import { Program, type ProgramOptions } from './Program';
import { ALERTMANAGER } from './tools';

/** A running Alertmanager that tells nobody. Ends with the test. */
export class Alertmanager {
  private constructor(
    readonly url: string,
    readonly program: Program,
  ) {}

  static async serve(
    t: Pick<TestContext, 'after'>,
    { limit }: Pick<ProgramOptions, 'limit'> = {},
  ): Promise<Alertmanager> {
    const directory = mkdtempSync(path.join(tmpdir(), 'alertmanager-'));
    const file = path.join(directory, 'alertmanager.yml');
    const route = { receiver: 'nobody', group_wait: '1s' };
    const receivers = [{ name: 'nobody' }];
    // JSON is YAML.
    writeFileSync(file, JSON.stringify({ route, receivers }));
    const port = await freePort();
    const program = Program.command(
      t,
      ALERTMANAGER.server,
      [
        `--config.file=${file}`,
        `--storage.path=${directory}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--cluster.listen-address=',
        '--log.level=error',
      ],
      { cwd: ALERTMANAGER.directory, limit },
    );
    t.after(async () => {
      await program.stop();
      rmSync(directory, { recursive: true, force: true });
    });
    const server = new Alertmanager(`http://127.0.0.1:${port}`, program);
    await eventually(async () => {
      const { ok } = await fetch(`${server.url}/-/ready`);
      assert.ok(ok, program.stderr);
    });
    return server;
  }

  /** Sends it alerts that fire. */
  async fire(...alerts: Record<string, string>[]): Promise<void> {
    await this.post(
      'alerts',
      alerts.map(labels => ({ labels })),
    );
  }

  /** Silences the alerts with these labels for an hour. */
  async silence(labels: Record<string, string>): Promise<void> {
    const now = Date.now();
    await this.post('silences', {
      matchers: Object.entries(labels).map(([name, value]) => ({
        name,
        value,
        isRegex: false,
        isEqual: true,
      })),
      startsAt: new Date(now).toISOString(),
      endsAt: new Date(now + 3_600_000).toISOString(),
      createdBy: 'a test',
      comment: 'is known',
    });
  }

  private async post(resource: string, body: object): Promise<void> {
    const response = await fetch(`${this.url}/api/v2/${resource}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 200, await response.text());
  }
}
