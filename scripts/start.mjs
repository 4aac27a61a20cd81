// `npm start`: the example's backend, which serves its app, and a Prometheus that scrapes it: this
// machine's, or else Debian's, which is fetched. All of it ends with Ctrl-C.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchTools, toolsDirectory } from './tools.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const backend = path.join(root, 'packages/backend');

buildApp();

let prometheus = findPrometheus();
if (!prometheus) {
  await fetchTools(['prometheus-3']);
  prometheus = findPrometheus();
}

const children = [
  // Not through npm: its shell would not pass on the signal that ends it.
  run(
    process.execPath,
    ['--import', 'tsx', 'src/index.ts', '--config', 'app-config.yaml'],
    {
      cwd: backend,
      // Guests are for development.
      env: { NODE_ENV: 'development', ...process.env },
    },
  ),
];
if (prometheus) {
  const data = mkdtempSync(path.join(tmpdir(), 'pizzeria-prometheus-'));
  process.once('exit', () => rmSync(data, { recursive: true, force: true }));
  children.push(
    run(prometheus, [
      `--config.file=${path.join(backend, 'prometheus/prometheus.yml')}`,
      `--storage.tsdb.path=${data}`,
      '--web.listen-address=127.0.0.1:9090',
      // By default it throws them away; it asks for OpenMetrics, which has them, by itself.
      '--enable-feature=exemplar-storage',
      '--log.level=warn',
    ]),
  );
} else {
  console.log(
    'There is no Prometheus, so the graphs will say that it does not answer: put one on the PATH.',
  );
}
console.log(
  'The page of the example service: http://localhost:7007/catalog/default/component/pizza-orders/prometheus',
);
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => children.forEach(child => child.kill(signal)));
}

/** The build lists every file of the bundle, which only matters if it fails. */
function buildApp() {
  console.log('Building the app…');
  const { status, stdout, stderr } = spawnSync(
    'npm',
    ['run', 'build', '--workspace', 'packages/app'],
    { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' },
  );
  if (status !== 0) {
    console.error(stdout, stderr);
    process.exit(status ?? 1);
  }
}

/** One that ends takes the others with it: half an example would only puzzle. */
function run(command, args, options) {
  const child = spawn(command, args, {
    cwd: root,
    stdio: 'inherit',
    ...options,
  });
  child.once('error', error => console.error(`${command}: ${error.message}`));
  child.once('exit', code => {
    process.exitCode ||= code ?? 0;
    children.forEach(other => other.kill());
  });
  return child;
}

/** The first on the PATH, or what was fetched. */
function findPrometheus() {
  const name = process.platform === 'win32' ? 'prometheus.exe' : 'prometheus';
  return [
    ...(process.env.PATH ?? '').split(path.delimiter),
    ...['prometheus-3', 'prometheus-2'].map(tool =>
      path.join(toolsDirectory, tool, 'usr/bin'),
    ),
  ]
    .map(folder => path.join(folder, name))
    .find(isExecutable);
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
