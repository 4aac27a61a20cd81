import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
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

export interface PrometheusOptions {
  major?: 2 | 3;
  /** What it scrapes: a JSON object of `scrape_configs` each. */
  jobs?: object[];
  /** Rule groups, evaluated twice a second. */
  groups?: object[];
  /** Files with further ones, by absolute paths. */
  ruleFiles?: string[];
  /** Samples in OpenMetrics text with timestamps, there from the start. */
  openmetrics?: string;
  /** `--enable-feature`. */
  features?: string[];
  /** The address of the Alertmanager that it sends its alerts to, as of the cluster "test". */
  alertmanager?: string;
  /** Milliseconds after which it is taken to hang. */
  limit?: number;
}

/** A running Prometheus. Ends with the test. */
export class Prometheus {
  readonly url: string;

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`;
  }

  /** @param jobs - what it scrapes: a JSON object of `scrape_configs` each. */
  static start(
    t: TestContext,
    major: 2 | 3,
    jobs: object[],
    features: string[] = [],
  ): Promise<Prometheus> {
    return Prometheus.serve(t, { major, jobs, features });
  }

  static async serve(
    t: Pick<TestContext, 'after'>,
    options: PrometheusOptions,
  ): Promise<Prometheus> {
    const { major = 3, jobs = [], groups = [], ruleFiles = [] } = options;
    const { alertmanager } = options;
    const directory = mkdtempSync(path.join(tmpdir(), 'metrics-prometheus-'));
    // JSON is YAML.
    const write = (name: string, content: object) => {
      const file = path.join(directory, name);
      writeFileSync(file, JSON.stringify(content));
      return file;
    };
    const file = write('prometheus.yml', {
      global: {
        scrape_interval: '200ms',
        scrape_timeout: '200ms',
        evaluation_interval: '500ms',
        external_labels: alertmanager ? { cluster: 'test' } : {},
      },
      alerting: {
        alertmanagers: alertmanager
          ? [{ static_configs: [{ targets: [new URL(alertmanager).host] }] }]
          : [],
      },
      rule_files: [write('rules.yml', { groups }), ...ruleFiles],
      scrape_configs: jobs,
    });
    if (options.openmetrics !== undefined) {
      load(major, options.openmetrics, directory);
    }
    return Prometheus.configured(t, file, options);
  }

  /** Serves by a configuration file, and keeps its data beside it. Its folder ends with the test. */
  static async configured(
    t: Pick<TestContext, 'after'>,
    file: string,
    options: Pick<PrometheusOptions, 'major' | 'features' | 'limit'> = {},
  ): Promise<Prometheus> {
    const { major = 3, features = [] } = options;
    const directory = path.dirname(file);
    const port = await freePort();
    const program = Program.command(
      t,
      prometheus(major).server,
      [
        `--config.file=${file}`,
        `--storage.tsdb.path=${directory}/data`,
        // What is loaded may be of any time.
        '--storage.tsdb.retention.time=100y',
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
        ...features.map(feature => `--enable-feature=${feature}`),
      ],
      { env: {}, limit: options.limit },
    );
    t.after(async () => {
      await program.stop();
      rmSync(directory, { recursive: true, force: true });
    });
    const server = new Prometheus(port);
    await eventually(async () => {
      const ready = await fetch(`${server.url}/-/ready`);
      assert.equal(ready.status, 200, program.stderr);
    });
    return server;
  }

  /**
   * The one value that a PromQL expression has, as soon as it has one: where the machine was busy and a
   * scrape took too long, there is none until the next.
   */
  async value(expression: string): Promise<number> {
    const [sample] = await eventually(async () => {
      const samples = await this.query(expression);
      assert.equal(
        samples.length,
        1,
        `${expression} has ${samples.length} values`,
      );
      return samples;
    });
    return Number(sample.value[1]);
  }

  async query(expression: string): Promise<Sample[]> {
    const data = await this.get('query', { query: expression });
    return (data as { result: Sample[] }).result;
  }

  /** What a path below `/api/v1/` says. */
  async get(
    resource: string,
    parameters: Record<string, string> = {},
  ): Promise<unknown> {
    const url = new URL(`${this.url}/api/v1/${resource}`);
    url.search = new URLSearchParams(parameters).toString();
    const response = await fetch(url);
    const answer = (await response.json()) as Answer;
    assert.equal(answer.status, 'success', JSON.stringify(answer));
    return answer.data;
  }

  /** The syntax tree of an expression, or `undefined` if it has none. */
  async parse(expression: string): Promise<unknown> {
    const response = await fetch(`${this.url}/api/v1/parse_query`, {
      method: 'POST',
      body: new URLSearchParams({ query: expression }),
    });
    const { data } = (await response.json()) as { data?: unknown };
    return data;
  }

  /** Waits until every target was scraped without an error. */
  async scraped(targets: number): Promise<void> {
    await eventually(async () => {
      assert.equal(await this.value('sum(up)'), targets);
    });
  }
}

function load(major: 2 | 3, openmetrics: string, directory: string): void {
  const file = path.join(directory, 'samples.txt');
  writeFileSync(file, openmetrics);
  const { promtool } = prometheus(major);
  const command = ['tsdb', 'create-blocks-from', 'openmetrics'];
  execFileSync(promtool, [...command, file, `${directory}/data`], {
    stdio: 'pipe',
  });
}

interface Sample {
  metric: Record<string, string>;
  value: [number, string];
}

interface Answer {
  status: string;
  data: unknown;
}
