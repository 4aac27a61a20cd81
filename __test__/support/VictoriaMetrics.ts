import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { eventually } from './eventually';
import { freePort } from './ports';
import { Program } from './Program';
import { VICTORIA_METRICS, VMALERT } from './tools';

/** A running VictoriaMetrics of one node. Ends with the test. */
export class VictoriaMetrics {
  private constructor(readonly url: string) {}

  /** @param samples - in Prometheus' text format, with timestamps in milliseconds */
  static async serve(
    t: Pick<TestContext, 'after'>,
    samples: string,
  ): Promise<VictoriaMetrics> {
    const directory = mkdtempSync(path.join(tmpdir(), 'victoria-metrics-'));
    const port = await freePort();
    const program = Program.command(t, VICTORIA_METRICS, [
      `-storageDataPath=${directory}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      // What is imported may be of any time.
      '-retentionPeriod=100y',
      '-loggerLevel=ERROR',
    ]);
    t.after(async () => {
      await program.stop();
      rmSync(directory, { recursive: true, force: true });
    });
    const server = new VictoriaMetrics(`http://127.0.0.1:${port}`);
    await eventually(() => server.get('/health'));
    await server.get('/api/v1/import/prometheus', samples);
    await server.get('/internal/force_flush');
    return server;
  }

  /** Everything that it has, once it can be found. */
  async exported(): Promise<
    { metric: Record<string, string>; values: (number | string | null)[] }[]
  > {
    const selector = encodeURIComponent('{__name__!=""}');
    return eventually(async () => {
      const response = await fetch(
        `${this.url}/api/v1/export?match[]=${selector}`,
      );
      const lines = (await response.text()).split('\n').filter(Boolean);
      assert.notEqual(lines.length, 0);
      // Infinities stand in its lines as in Prometheus' text, which is no JSON.
      return lines.map(
        line =>
          JSON.parse(
            line.replace(/(?<=[[,])[+-]?Inf(?=[\],])/g, '"$&"'),
          ) as never,
      );
    });
  }

  private async get(route: string, body?: string): Promise<void> {
    const response = await fetch(`${this.url}${route}`, {
      method: body === undefined ? 'GET' : 'POST',
      body,
    });
    assert.ok(response.ok, await response.text());
  }
}

/** A running vmalert, which evaluates rules at a VictoriaMetrics twice a second. */
export class Vmalert {
  private constructor(readonly url: string) {}

  /** @param notifier - of an Alertmanager */
  static async serve(
    t: Pick<TestContext, 'after'>,
    datasource: VictoriaMetrics,
    groups: object[],
    notifier = 'http://127.0.0.1:9',
  ): Promise<Vmalert> {
    const directory = mkdtempSync(path.join(tmpdir(), 'vmalert-'));
    const rules = path.join(directory, 'rules.yml');
    // JSON is YAML.
    writeFileSync(rules, JSON.stringify({ groups }));
    const port = await freePort();
    const program = Program.command(
      t,
      VMALERT,
      [
        '-rule=rules.yml',
        `-datasource.url=${datasource.url}`,
        `-remoteWrite.url=${datasource.url}`,
        `-notifier.url=${notifier}`,
        `-httpListenAddr=127.0.0.1:${port}`,
        '-external.url=https://vmalert.example.com',
        '-evaluationInterval=500ms',
        '-loggerLevel=FATAL',
      ],
      { cwd: directory },
    );
    t.after(async () => {
      await program.stop();
      rmSync(directory, { recursive: true, force: true });
    });
    const server = new Vmalert(`http://127.0.0.1:${port}`);
    await eventually(async () => {
      const { ok } = await fetch(`${server.url}/health`);
      assert.ok(ok, program.stderr);
    });
    return server;
  }
}
