import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

const TOOLS = path.join(__dirname, '../../.cache/tools');

export const PYTHON = path.join(TOOLS, 'python/bin/python');
export const ROTEL = path.join(TOOLS, 'python/bin/rotel');
export const HADOLINT = path.join(TOOLS, 'python/bin/hadolint');
export const KUSTOMIZE = path.join(TOOLS, 'deploy/usr/bin/kustomize');
export const COMPOSE = path.join(
  TOOLS,
  'deploy/usr/libexec/docker/cli-plugins/docker-compose',
);

/** Debian's Prometheus of that major version. */
export function prometheus(major: 2 | 3) {
  const directory = path.join(TOOLS, `prometheus-${major}/usr/bin`);
  return {
    server: path.join(directory, 'prometheus'),
    promtool: path.join(directory, 'promtool'),
  };
}

/** A Chromium of this machine. */
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** The folder of the programs of this machine's newest PostgreSQL, of Debian's package `postgresql`. */
export const POSTGRESQL = path.join(
  '/usr/lib/postgresql',
  existsSync('/usr/lib/postgresql')
    ? readdirSync('/usr/lib/postgresql').sort().at(-1)!
    : 'none',
  'bin',
);

/** Of Debian's package `redis-server`, whose `redis-cli` is beside it. */
export const REDIS = '/usr/bin/redis-server';

/** Debian's VictoriaMetrics. */
export const VICTORIA_METRICS = path.join(
  TOOLS,
  'victoria-metrics/usr/bin/victoria-metrics',
);
export const VMALERT = path.join(TOOLS, 'victoria-metrics/usr/bin/vmalert');

/** Debian's Alertmanager, which has to be started in its folder. */
export const ALERTMANAGER = {
  directory: path.join(TOOLS, 'alertmanager'),
  server: path.join(TOOLS, 'alertmanager/usr/bin/prometheus-alertmanager'),
};

/** Debian's Pushgateway. */
export const PUSHGATEWAY = path.join(
  TOOLS,
  'pushgateway/usr/bin/prometheus-pushgateway',
);

/**
 * For the `skip` of tests: why they cannot run here. In CI a missing tool is a failure, so there
 * they run and say so.
 */
export function without(...tools: string[]): string | undefined {
  const missing = tools.filter(tool => !existsSync(tool));
  return missing.length > 0 && !process.env.CI
    ? `run "npm run tools" for ${missing.join(', ')}`
    : undefined;
}

/** Runs a command with this input; resolves with its exit code and everything it wrote. */
export function pipe(
  command: string,
  args: string[],
  input: string | Uint8Array,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'pipe' });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
    });
    child.once('error', reject);
    child.once('close', code => resolve({ code, ...output }));
    // A command that ends without reading everything must be judged by its exit code.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/** Runs Python and reads the JSON it prints; its error is ours. */
export async function python(
  script: string,
  input: string | Uint8Array,
  ...args: string[]
): Promise<unknown> {
  const file = path.join(__dirname, '../python', script);
  const { code, stdout, stderr } = await pipe(PYTHON, [file, ...args], input);
  if (code !== 0) {
    throw new Error(`${script} ended with ${code}: ${stderr}`);
  }
  return JSON.parse(stdout);
}
