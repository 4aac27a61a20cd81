import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { eventually } from './eventually';
import { freePort } from './ports';
import { Program } from './Program';
import { prometheus } from './tools';

/** Prometheus 3's `scrape_protocols`, by a name for each. */
export const SCRAPE_PROTOCOLS = {
  text: 'PrometheusText0.0.4',
  openmetrics: 'OpenMetricsText1.0.0',
  protobuf: 'PrometheusProto',
};

/** A running Prometheus. Ends with the test. */
export class Prometheus {
  private constructor(private readonly port: number) {}

  /** @param jobs - what it scrapes: a JSON object of `scrape_configs` each. */
  static async start(
    t: TestContext,
    major: 2 | 3,
    jobs: object[],
    features: string[] = [],
  ): Promise<Prometheus> {
    const directory = mkdtempSync(path.join(tmpdir(), 'metrics-prometheus-'));
    const file = path.join(directory, 'prometheus.yml');
    // JSON is YAML.
    writeFileSync(
      file,
      JSON.stringify({
        global: { scrape_interval: '200ms', scrape_timeout: '200ms' },
        scrape_configs: jobs,
      }),
    );
    const port = await freePort();
    const program = Program.command(
      t,
      prometheus(major).server,
      [
        `--config.file=${file}`,
        `--storage.tsdb.path=${directory}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
        ...features.map(feature => `--enable-feature=${feature}`),
      ],
      { env: {} },
    );
    t.after(async () => {
      await program.stop();
      rmSync(directory, { recursive: true, force: true });
    });
    const server = new Prometheus(port);
    await eventually(async () => {
      const ready = await fetch(`http://127.0.0.1:${port}/-/ready`);
      assert.equal(ready.status, 200, program.stderr);
    });
    return server;
  }

  /** The one value that a PromQL expression has now. */
  async value(expression: string): Promise<number> {
    const samples = await this.query(expression);
    assert.equal(
      samples.length,
      1,
      `${expression} has ${samples.length} values`,
    );
    return Number(samples[0].value[1]);
  }

  async query(expression: string): Promise<Sample[]> {
    const url = new URL(`http://127.0.0.1:${this.port}/api/v1/query`);
    url.searchParams.set('query', expression);
    const response = await fetch(url);
    const answer = (await response.json()) as Answer;
    assert.equal(answer.status, 'success', JSON.stringify(answer));
    return answer.data.result;
  }

  /** Waits until every target was scraped without an error. */
  async scraped(targets: number): Promise<void> {
    await eventually(async () => {
      assert.equal(await this.value('sum(up)'), targets);
    });
  }
}

interface Sample {
  metric: Record<string, string>;
  value: [number, string];
}

interface Answer {
  status: string;
  data: { result: Sample[] };
}
