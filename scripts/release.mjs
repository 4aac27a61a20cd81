// Makes the tarballs of a release from the built repository and the addon's binaries:
//
//   node scripts/release.mjs BINARIES OUT [TAG]
//
// BINARIES holds a metrics.<platform>.node for each of `napi.targets`, at any depth. OUT gets the
// tarballs, numbered in the order in which they are to be published: what depends on others comes
// after them. A TAG has to be `v` and the version. GITHUB_REPOSITORY (owner/name) becomes the
// packages' repository, without which npm takes no provenance.
//
// The lock file cannot name packages that are not published yet, so the repository's package.json
// has no optionalDependencies: they are added to the copy that is packed here.
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './process.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const NAPI = path.join(root, 'node_modules/@napi-rs/cli/dist/cli.js');
const PLUGINS = ['prometheus-common', 'prometheus-backend', 'prometheus'];
const PAPERS = ['LICENSE', 'THIRD-PARTY-NOTICES'];
/** What is in a manifest for this repository alone. */
const PRIVATE_FIELDS = [
  'allowScripts',
  'devDependencies',
  'napi',
  'overrides',
  'prettier',
  'scripts',
  'workspaces',
];

const [binaries, out, tag] = process.argv.slice(2);
if (!binaries || !out) {
  console.error('Usage: node scripts/release.mjs BINARIES OUT [TAG]');
  process.exit(2);
}
const version = await checkVersions();
const staging = await mkdtemp(path.join(tmpdir(), 'metrics-release-'));
try {
  const metrics = await stage('.');
  const platforms = await stagePlatforms(metrics);
  await publicManifest(metrics);
  const plugins = [];
  for (const plugin of PLUGINS) {
    const staged = await stage(`plugins/${plugin}`);
    await publicManifest(staged);
    plugins.push(staged);
  }
  await mkdir(out, { recursive: true });
  for (const [index, folder] of [...platforms, metrics, ...plugins].entries()) {
    const tarball = await pack(folder, path.resolve(out));
    const number = String(index + 1).padStart(2, '0');
    await rename(
      path.join(out, tarball),
      path.join(out, `${number}-${tarball}`),
    );
    console.log(`${number}-${tarball}`);
  }
} finally {
  await rm(staging, { recursive: true });
}

/** The version that all packages have. */
async function checkVersions() {
  const versions = {
    'Cargo.toml': /^version = "(.+)"$/m.exec(
      await readFile(path.join(root, 'Cargo.toml'), 'utf8'),
    )[1],
  };
  for (const folder of ['.', ...PLUGINS.map(plugin => `plugins/${plugin}`)]) {
    versions[folder] = (await readManifest(path.join(root, folder))).version;
  }
  const wanted = tag ? tag.replace(/^v/, '') : versions['.'];
  const wrong = Object.entries(versions).filter(([, is]) => is !== wanted);
  if (wrong.length > 0 || (tag && tag !== `v${wanted}`)) {
    throw new Error(
      `The release is ${tag ?? wanted}, but the versions are ${JSON.stringify(versions)}`,
    );
  }
  return wanted;
}

/** A copy of what npm packs of a folder, without a binary. */
async function stage(folder) {
  const source = path.join(root, folder);
  const target = path.join(staging, path.basename(source));
  await mkdir(target, { recursive: true });
  const tarball = path.join(staging, await pack(source, staging));
  await must('tar', ['xzf', tarball, '-C', target, '--strip-components=1']);
  await removeBinaries(target);
  const manifest = await readManifest(target);
  if (process.env.GITHUB_REPOSITORY) {
    manifest.repository = {
      type: 'git',
      url: `git+https://github.com/${process.env.GITHUB_REPOSITORY}.git`,
      ...(folder === '.' ? {} : { directory: folder }),
    };
  }
  await writeManifest(target, manifest);
  return target;
}

/** Makes the packages of the platforms, and has the staged package depend on them. */
async function stagePlatforms(metrics) {
  await mkdir(path.join(metrics, 'npm'));
  const napi = (command, ...args) =>
    must(process.execPath, [NAPI, command, '--cwd', metrics, ...args]);
  await napi('create-npm-dirs');
  await napi('artifacts', '--output-dir', path.resolve(binaries));
  await napi(
    'pre-publish',
    ...['--tag-style', 'npm', '--skip-optional-publish', '--no-gh-release'],
  );
  await removeBinaries(metrics);

  const folders = [];
  const staged = path.join(staging, 'npm');
  await rename(path.join(metrics, 'npm'), staged);
  for (const platform of (await readdir(staged)).sort()) {
    const folder = path.join(staged, platform);
    for (const paper of PAPERS) {
      await copyFile(path.join(root, paper), path.join(folder, paper));
    }
    const manifest = await readManifest(folder);
    manifest.files.push('THIRD-PARTY-NOTICES');
    await writeManifest(folder, manifest);
    folders.push(folder);
  }
  const {
    optionalDependencies,
    name,
    napi: config,
  } = await readManifest(metrics);
  const expected = Object.fromEntries(
    folders.map(folder => [`${name}-${path.basename(folder)}`, version]),
  );
  if (
    folders.length !== config.targets.length ||
    JSON.stringify(sorted(optionalDependencies)) !==
      JSON.stringify(sorted(expected))
  ) {
    throw new Error(
      `Expected optionalDependencies ${JSON.stringify(expected)}, got ${JSON.stringify(optionalDependencies)}`,
    );
  }
  return folders;
}

async function publicManifest(folder) {
  const manifest = await readManifest(folder);
  for (const field of PRIVATE_FIELDS) {
    delete manifest[field];
  }
  manifest.files = manifest.files.filter(file => !file.endsWith('.node'));
  await writeManifest(folder, manifest);
}

async function removeBinaries(folder) {
  for (const file of await readdir(folder)) {
    if (file.endsWith('.node')) {
      await rm(path.join(folder, file));
    }
  }
}

/** @returns {Promise<string>} the name of the tarball */
async function pack(folder, destination) {
  const output = await must(
    'npm',
    [
      ...['pack', '--json', '--workspaces=false', '--ignore-scripts'],
      ...['--pack-destination', destination],
    ],
    { cwd: folder },
  );
  const [{ filename }] = JSON.parse(output.slice(output.indexOf('[\n')));
  return filename;
}

function sorted(record) {
  return Object.entries(record).sort(([a], [b]) => a.localeCompare(b, 'en'));
}

async function readManifest(folder) {
  return JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
}

async function writeManifest(folder, manifest) {
  await writeFile(
    path.join(folder, 'package.json'),
    `${JSON.stringify(manifest, undefined, 2)}\n`,
  );
}

async function must(command, args, options) {
  const { code, output } = await run(command, args, {
    ...options,
    quiet: true,
  });
  if (code !== 0) {
    throw new Error(`\`${[command, ...args].join(' ')}\` failed:\n${output}`);
  }
  return output;
}
