import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../process.mjs';

const TEMPLATE = '@backstage/create-app';
/** What no new app has and nothing of it depends on. */
const OPTIONAL = [
  '@backstage/backend-dynamic-feature-service',
  '@backstage/backend-plugin-api',
  '@backstage/plugin-catalog-backend-module-aws',
  '@backstage/plugin-catalog-backend-module-bitbucket-cloud',
  '@backstage/plugin-catalog-backend-module-bitbucket-server',
  '@backstage/plugin-catalog-backend-module-gcp',
  '@backstage/plugin-catalog-backend-module-gerrit',
  '@backstage/plugin-catalog-backend-module-gitea',
  '@backstage/plugin-catalog-backend-module-github',
  '@backstage/plugin-catalog-backend-module-github-org',
  '@backstage/plugin-catalog-backend-module-gitlab',
  '@backstage/plugin-catalog-backend-module-gitlab-org',
  '@backstage/plugin-catalog-backend-module-incremental-ingestion',
  '@backstage/plugin-catalog-backend-module-ldap',
  '@backstage/plugin-catalog-backend-module-msgraph',
  '@backstage/plugin-catalog-backend-module-openapi',
  '@backstage/plugin-catalog-backend-module-puppetdb',
  '@backstage/plugin-catalog-backend-module-unprocessed',
  '@backstage/plugin-devtools-backend',
  '@backstage/plugin-events-backend',
  '@backstage/plugin-events-backend-module-aws-sqs',
  '@backstage/plugin-events-backend-module-azure',
  '@backstage/plugin-events-backend-module-bitbucket-cloud',
  '@backstage/plugin-events-backend-module-bitbucket-server',
  '@backstage/plugin-events-backend-module-gerrit',
  '@backstage/plugin-events-backend-module-github',
  '@backstage/plugin-events-backend-module-gitlab',
  '@backstage/plugin-events-backend-module-google-pubsub',
  '@backstage/plugin-events-backend-module-kafka',
  '@backstage/plugin-gateway-backend',
  '@backstage/plugin-notifications-backend-module-email',
  '@backstage/plugin-notifications-backend-module-slack',
  '@backstage/plugin-scaffolder-backend-module-gitlab',
  '@backstage/plugin-search-backend-module-elasticsearch',
];
const OF_BACKEND = /^@backstage\/.*(backend|-node$|integration)/;

/**
 * Unpacks the newest release of Backstage's backend packages below a folder: those of a new app, the
 * ones above, and what they depend on.
 *
 * @returns {Promise<string[]>} the folders of the packages
 */
export async function fetchNewest(folder) {
  const folders = new Map();
  let wanted = [TEMPLATE, ...OPTIONAL];
  while (wanted.length > 0) {
    const fetched = await fetchPackages(wanted, folder);
    for (const [name, where] of fetched) {
      folders.set(name, where);
    }
    const named = await Promise.all([...fetched.values()].map(neighbors));
    wanted = [...new Set(named.flat())].filter(name => !folders.has(name));
  }
  folders.delete(TEMPLATE);
  return [...folders.values()].sort();
}

/** Folders of packages that somebody unpacked below one. */
export async function unpackedIn(folder) {
  const entries = await readdir(folder, { recursive: true });
  return entries
    .filter(file => path.basename(file) === 'package.json')
    .map(file => path.join(folder, path.dirname(file)))
    .sort();
}

async function fetchPackages(names, folder) {
  const tarballs = path.join(folder, 'tarballs');
  await mkdir(tarballs, { recursive: true });
  const { code, output } = await run(
    'npm',
    [
      ...['pack', '--json', '--ignore-scripts', '--workspaces=false'],
      ...['--pack-destination', tarballs],
      ...names.map(name => `${name}@latest`),
    ],
    { cwd: folder, quiet: true },
  );
  if (code !== 0) {
    throw new Error(`npm could not fetch the newest packages:\n${output}`);
  }
  const packed = JSON.parse(
    output.slice(output.indexOf('[\n'), output.lastIndexOf(']') + 1),
  );
  return new Map(
    await Promise.all(
      packed.map(async ({ name, filename }) => {
        const target = path.join(folder, 'packages', name);
        await mkdir(target, { recursive: true });
        const unpacked = await run(
          'tar',
          [
            ...['xzf', path.join(tarballs, path.basename(filename))],
            ...['-C', target, '--strip-components=1'],
          ],
          { quiet: true },
        );
        if (unpacked.code !== 0) {
          throw new Error(`${filename}: ${unpacked.output}`);
        }
        return [name, target];
      }),
    ),
  );
}

/** What a package or, of the template, the backend of a new app depends on. */
async function neighbors(folder) {
  const text = await readFile(await templateOf(folder), 'utf8');
  return [...text.matchAll(/"(@backstage\/[\w-]+)"/g)]
    .map(([, name]) => name)
    .filter(name => OF_BACKEND.test(name) && !/test-utils$/.test(name));
}

async function templateOf(folder) {
  const manifest = path.join(folder, 'package.json');
  const { name } = JSON.parse(await readFile(manifest, 'utf8'));
  return name === TEMPLATE
    ? path.join(
        folder,
        'templates/default-app/packages/backend/package.json.hbs',
      )
    : manifest;
}
