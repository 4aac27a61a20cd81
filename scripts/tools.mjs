// Fetches the real programs that the tests check this package against, into .cache/tools:
//
//   prometheus-2/usr/bin/{prometheus,promtool}          Debian stable's
//   prometheus-3/usr/bin/{prometheus,promtool}          Debian forky's: UTF-8 names
//   victoria-metrics/usr/bin/{victoria-metrics,vmalert} Debian stable's
//   alertmanager/usr/bin/{prometheus-alertmanager,amtool}
//   pushgateway/usr/bin/prometheus-pushgateway          Debian stable's
//   deploy/usr/{bin/kustomize,libexec/…/docker-compose} Debian forky's: they check without a server
//   python/bin/{python,rotel,hadolint}                  with the packages of requirements.txt
//   rust/rustc.sh                                       Debian's, with the sources of its library
//   node-24/node_modules/node-linux-<arch>/bin/node     and better-sqlite3 built for it; 22 and 26 too
//
// Nothing is installed on the machine. Each tool is kept until what it is made of changes here.
import { Buffer } from 'node:buffer';
import {
  chmod,
  cp,
  mkdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { run } from './process.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
export const toolsDirectory = path.join(root, '.cache/tools');

const NODE_PACKAGE = `node-${process.platform}-${process.arch}`;
/** Supported majors beside the Node that runs this. */
const NODES = {
  22: '22.23.5',
  // An addon built on node::ObjectWrap against the headers of 24.19 to 24.21, as better-sqlite3 12 is,
  // aborts at random (nodejs/node#65446).
  24: '24.18.1',
  26: '26.12.1',
};
export const FETCHED_NODES = Object.keys(NODES).map(Number);
const NEW_SUITE = 'forky';
const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The executable of a fetched major version of Node. */
export function node(major) {
  return path.join(
    toolsDirectory,
    `node-${major}`,
    'node_modules',
    NODE_PACKAGE,
    'bin/node',
  );
}

const tools = [
  {
    name: 'prometheus-2',
    version: () => 'stable',
    install: directory =>
      programs(directory, ['prometheus'], ['prometheus', 'promtool']),
  },
  {
    name: 'prometheus-3',
    version: () => NEW_SUITE,
    install: directory =>
      programs(
        directory,
        ['prometheus', 'promtool'],
        ['prometheus', 'promtool'],
        NEW_SUITE,
      ),
  },
  {
    name: 'victoria-metrics',
    version: () => 'stable',
    install: directory =>
      programs(
        directory,
        ['victoria-metrics'],
        ['victoria-metrics', 'vmalert'],
      ),
  },
  {
    name: 'alertmanager',
    version: () => 'stable',
    install: alertmanager,
  },
  {
    name: 'pushgateway',
    version: () => 'stable',
    install: directory =>
      programs(
        directory,
        ['prometheus-pushgateway'],
        ['prometheus-pushgateway'],
      ),
  },
  {
    name: 'deploy',
    version: () => NEW_SUITE,
    install: deploy,
  },
  {
    name: 'python',
    version: () =>
      readFile(path.join(root, 'scripts/requirements.txt'), 'utf8'),
    install: python,
  },
  ...Object.entries(NODES).map(([major, version]) => ({
    name: `node-${major}`,
    version: () => `${version} with better-sqlite3 ${sqliteVersion()}`,
    install: directory => nodeWithSqlite(directory, major, version),
  })),
];

const RUSTC = 'rustc.sh';
const rust = {
  name: 'rust',
  version: () => 'stable',
  install: rustWithSources,
};

/**
 * Fetches what is missing, of all tools or of those with these names, side by side: most of the time goes
 * into waiting for an answer. Returns the names of the tools that could not be had.
 */
export async function fetchTools(names = tools.map(({ name }) => name)) {
  const wanted = tools.filter(({ name }) => names.includes(name));
  const fetched = await Promise.allSettled(wanted.map(fetchTool));
  return fetched.flatMap(({ reason }, index) => {
    if (!reason) {
      return [];
    }
    const { name } = wanted[index];
    console.error(`Could not fetch ${name}. ${reason.message}`);
    return [name];
  });
}

/**
 * Fetches Debian's Rust compiler with the sources of its standard library, which only
 * `scripts/sanitize.mjs thread` needs.
 *
 * @returns {Promise<{ rustc: string, libraries: string }>} the compiler, and the folder of the
 *   libraries that it links to programs
 */
export async function fetchRust() {
  const directory = path.join(toolsDirectory, rust.name);
  await fetchTool(rust);
  return {
    rustc: path.join(directory, RUSTC),
    libraries: path.join(
      directory,
      'usr/lib/rustlib/x86_64-unknown-linux-gnu/lib',
    ),
  };
}

async function fetchTool({ name, version, install }) {
  const directory = path.join(toolsDirectory, name);
  const stamp = path.join(directory, '.complete');
  const wanted = await version();
  if ((await readFile(stamp, 'utf8').catch(() => '')) === wanted) {
    return;
  }
  console.log(`Fetching ${name} into .cache/tools`);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await install(directory);
  await writeFile(stamp, wanted);
}

/**
 * The compiler that Debian stable keeps new for browsers, because it alone comes with the sources of
 * its standard library.
 */
async function rustWithSources(directory) {
  await debian(
    directory,
    ['rustc-web', 'libstd-rust-web-dev', 'rust-web-src'],
    { needed: /^(libstd-rust-web-[\d.]+|libllvm\d+)$/ },
  );
  // Where its own libraries are, which it does not look for beside itself.
  const rustc = path.join(directory, RUSTC);
  await writeFile(
    rustc,
    `#!/bin/sh
directory=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH=$directory/usr/lib/x86_64-linux-gnu
exec "$directory/usr/bin/rustc" "$@"
`,
  );
  await chmod(rustc, 0o755);
  await must(rustc, ['--version']);
}

/**
 * Unpacks Debian packages.
 *
 * @param suite - Another one than the machine's own.
 * @param needed - Which of the packages that they depend on are unpacked too.
 */
async function debian(directory, packages, { suite, needed } = {}) {
  const apt = path.join(directory, '.apt');
  const settings = {
    'Dir::State::lists': `${apt}/lists`,
    'Dir::Cache': `${apt}/cache`,
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
    'APT::Sandbox::User': 'root',
  };
  await mkdir(`${apt}/lists/partial`, { recursive: true });
  await mkdir(`${apt}/cache/archives/partial`, { recursive: true });
  if (suite) {
    const mirror = await debianMirror();
    await writeFile(
      `${apt}/sources.list`,
      `deb [signed-by=${DEBIAN_KEYRING}] ${mirror} ${suite} main\n`,
    );
    settings['Dir::Etc::sourcelist'] = `${apt}/sources.list`;
    settings['Dir::Etc::sourceparts'] = '/dev/null';
  }
  const lines = Object.entries(settings).map(([key, to]) => `${key} "${to}";`);
  await writeFile(`${apt}/apt.conf`, `${lines.join('\n')}\n`);
  const options = {
    cwd: directory,
    env: { ...process.env, APT_CONFIG: `${apt}/apt.conf` },
  };
  await must('apt-get', ['update'], options);
  const wanted = new Set(packages);
  if (needed) {
    const recurse = ['depends', '--recurse', '--important'];
    const tree = await must('apt-cache', [...recurse, ...packages], options);
    for (const name of tree.split('\n').filter(line => needed.test(line))) {
      wanted.add(name);
    }
  }
  await must('apt-get', ['download', ...wanted], options);
  await must('sh', ['-c', 'for p in *.deb; do dpkg -x "$p" .; done'], options);
  await must('sh', ['-c', 'rm -r *.deb .apt'], options);
}

/** Unpacks Debian packages, and sees that their programs run. */
async function programs(directory, packages, executables, suite) {
  await debian(directory, packages, { suite });
  for (const executable of executables) {
    await must(`usr/bin/${executable}`, ['--version'], { cwd: directory });
  }
}

/**
 * Debian's Alertmanager has its templates in a fixed place of an installed machine. Here it looks for
 * them below its working directory, which has to be the folder of the tool.
 */
async function alertmanager(directory) {
  const executables = ['prometheus-alertmanager', 'amtool'];
  await programs(directory, ['prometheus-alertmanager'], executables);
  const file = path.join(directory, 'usr/bin/prometheus-alertmanager');
  const bytes = await readFile(file);
  const installed = Buffer.from('/usr/share/prometheus/alertmanager');
  // The lengths of texts are elsewhere in the executable, so this one keeps its own.
  const relative = Buffer.from('usr/share/prometheus//alertmanager');
  for (
    let at = bytes.indexOf(installed);
    at >= 0;
    at = bytes.indexOf(installed, at)
  ) {
    relative.copy(bytes, at);
  }
  await writeFile(file, bytes);
}

async function deploy(directory) {
  await debian(directory, ['docker-compose', 'kustomize'], {
    suite: NEW_SUITE,
  });
  const options = { cwd: directory };
  await must('usr/bin/kustomize', ['version'], options);
  await must(
    'usr/libexec/docker/cli-plugins/docker-compose',
    ['version'],
    options,
  );
}

/** The mirror that this machine already uses: the project names none. */
async function debianMirror() {
  const sites = await must('apt-get', [
    'indextargets',
    '--format',
    '$(RELEASE) $(SITE)',
    'Created-By: Packages',
    'Component: main',
  ]);
  // bookworm, but not bookworm-security or bookworm-updates.
  const site = /^[a-z]+ (\S+)$/m.exec(sites);
  if (!site) {
    throw new Error('No Debian mirror in the package sources of this machine');
  }
  return site[1];
}

async function python(directory) {
  const bin = path.join(directory, 'bin');
  await must('python3', ['-m', 'venv', directory]);
  await must(`${bin}/python`, [
    '-m',
    'pip',
    'install',
    '--disable-pip-version-check',
    '--requirement',
    path.join(root, 'scripts/requirements.txt'),
  ]);
  // The package carries the collector's executable, but puts none on the path.
  const rotel = await must(`${bin}/python`, [
    '-c',
    'import os, rotel; print(os.path.dirname(rotel.__file__))',
  ]);
  await symlink(`${rotel.trim()}/rotel-agent`, `${bin}/rotel`);
  await must(`${bin}/rotel`, ['--version']);
}

/**
 * A Node with a better-sqlite3 of its own: the one in node_modules is built for the Node that ran
 * `npm ci` and does not load in another. The npm package of Node carries the headers to build it.
 */
async function nodeWithSqlite(directory, major, version) {
  const options = await installPackages(directory, {
    [NODE_PACKAGE]: version,
    'better-sqlite3': sqliteVersion(),
  });
  const prefix = path.join(directory, 'node_modules', NODE_PACKAGE);
  options.env.PATH = `${prefix}/bin:${options.env.PATH}`;
  options.env.npm_config_nodedir = prefix;
  await must('npm', ['rebuild', 'better-sqlite3'], options);
  await must(
    node(major),
    ['-e', "new (require('better-sqlite3'))(':memory:').close()"],
    options,
  );
}

/** Installs packages in a folder of their own, without their scripts. Returns how to run npm there. */
async function installPackages(directory, dependencies) {
  await writeFile(
    path.join(directory, 'package.json'),
    JSON.stringify({
      private: true,
      dependencies,
      allowScripts: { 'better-sqlite3': true },
    }),
  );
  await cp(path.join(root, '.npmrc'), path.join(directory, '.npmrc'));
  const options = { cwd: directory, env: { ...process.env } };
  // Inside `npm run` these point at the root package and would win over the folder.
  for (const key of Object.keys(options.env)) {
    if (/^npm_(config_local_prefix|package_|lifecycle_)/i.test(key)) {
      delete options.env[key];
    }
  }
  await must('npm', ['install', '--ignore-scripts'], options);
  return options;
}

function sqliteVersion() {
  return createRequire(import.meta.url)('better-sqlite3/package.json').version;
}

async function must(command, args, options) {
  const { code, output } = await run(command, args, {
    ...options,
    quiet: true,
  });
  if (code !== 0) {
    throw new Error(
      `\`${[command, ...args].join(' ')}\` failed; is this machine offline?\n${output}`,
    );
  }
  return output;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const missing = await fetchTools();
  if (missing.length > 0) {
    console.error(`Missing: ${missing.join(', ')}`);
    process.exitCode = 1;
  } else {
    console.log('Everything is in .cache/tools');
  }
}
