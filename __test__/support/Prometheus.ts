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

/** It serves as long as a test of several steps takes. */
const LIMIT_MS = 300_000;

/** A running Prometheus. Ends with the test. */
export class Prometheus {
  private constructor(private readonly port: number) {}

  /**
   * @param jobs - what it scrapes: a JSON object of `scrape_configs` each.
   * @param rules - absolute paths of files with rules, which it evaluates every second.
   */
  static async start(
    t: TestContext,
    major: 2 | 3,
    jobs: object[],
    features: string[] = [],
    rules: string[] = [],
  ): Promise<Prometheus> {
    const directory = mkdtempSync(path.join(tmpdir(), 'metrics-prometheus-'));
    const file = path.join(directory, 'prometheus.yml');
    // JSON is YAML.
    writeFileSync(
      file,
      JSON.stringify({
        global: {
          scrape_interval: '200ms',
          scrape_timeout: '200ms',
          evaluation_interval: '1s',
        },
        rule_files: rules,
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
      { env: {}, limit: LIMIT_MS },
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
    const data = await this.get('query', { query: expression });
    return (data as { result: Sample[] }).result;
  }

  /** What its HTTP API says, of a path below `/api/v1/`. */
  async get(
    resource: string,
    parameters: Record<string, string> = {},
  ): Promise<unknown> {
    const url = new URL(`http://127.0.0.1:${this.port}/api/v1/${resource}`);
    url.search = new URLSearchParams(parameters).toString();
    const response = await fetch(url);
    const answer = (await response.json()) as Answer;
    assert.equal(answer.status, 'success', JSON.stringify(answer));
    return answer.data;
  }

  /** Waits until every target was scraped without an error. */
  async scraped(targets: number): Promise<void> {
    await eventually(async () => {
      assert.equal(await this.value('sum(up)'), targets);
    });
  }
}

export interface Sample {
  metric: Record<string, string>;
  value: [number, string];
}

interface Answer {
  status: string;
  data: unknown;
}
