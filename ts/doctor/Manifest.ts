import { type AppFiles, isMap } from './AppFiles';

/** What the doctor reads of a package.json. */
export interface Manifest {
  name?: string;
  version?: string;
  workspaces?: string[];
  backstage?: { role?: string; pluginId?: string };
  scripts?: Record<string, string>;
  exports?: unknown;
  dependencies?: Record<string, unknown>;
  devDependencies?: Record<string, unknown>;
  optionalDependencies?: Record<string, unknown>;
  peerDependencies?: Record<string, unknown>;
}

/** Takes note of what stands at a path and is not what it should be. */
type Wrong = (path: string, expected: string) => undefined;

/** The manifest of the app's own package; what is not as npm has it is left out, and is `unreadable`. */
export function readOwnManifest(
  files: AppFiles,
  file: string,
): Manifest | undefined {
  const found = files.json(file);
  return (
    found &&
    clean(found, (path, expected) => {
      files.fail(file, `\`${path}\` is no ${expected}`);
      return undefined;
    })
  );
}

/** The manifest of an installed package, which is not the app's to mend. */
export function readManifest(
  files: AppFiles,
  file: string,
): Manifest | undefined {
  const found = files.json(file);
  return found && clean(found, () => undefined);
}

/** The patterns of the workspaces; where nothing says otherwise, those of a new Backstage app. */
export function workspacePatterns({ workspaces }: Manifest): string[] {
  return workspaces ?? ['packages/*', 'plugins/*'];
}

function clean(found: Record<string, unknown>, wrong: Wrong): Manifest {
  const field = <T>(
    key: keyof Manifest,
    read: (value: unknown, path: string, wrong: Wrong) => T | undefined,
  ): T | undefined =>
    found[key] === undefined ? undefined : read(found[key], key, wrong);
  return {
    name: field('name', text),
    version: field('version', text),
    workspaces: field('workspaces', patterns),
    backstage: field('backstage', role),
    scripts: field('scripts', texts),
    exports: found.exports,
    dependencies: field('dependencies', map),
    devDependencies: field('devDependencies', map),
    optionalDependencies: field('optionalDependencies', map),
    peerDependencies: field('peerDependencies', map),
  };
}

function text(value: unknown, path: string, wrong: Wrong): string | undefined {
  return typeof value === 'string' ? value : wrong(path, 'string');
}

function map(
  value: unknown,
  path: string,
  wrong: Wrong,
): Record<string, unknown> | undefined {
  return isMap(value) ? value : wrong(path, 'map');
}

function texts(
  value: unknown,
  path: string,
  wrong: Wrong,
): Record<string, string> {
  const entries = Object.entries(map(value, path, wrong) ?? {});
  return Object.fromEntries(
    entries.flatMap(([key, item]) => {
      const found = text(item, `${path}.${key}`, wrong);
      return found === undefined ? [] : [[key, found]];
    }),
  );
}

/** A list, or a map with one under `packages`. */
function patterns(
  value: unknown,
  path: string,
  wrong: Wrong,
): string[] | undefined {
  const [list, at] = isMap(value)
    ? [value.packages, `${path}.packages`]
    : [value, path];
  return Array.isArray(list)
    ? list.flatMap((item, index) => text(item, `${at}[${index}]`, wrong) ?? [])
    : wrong(at, 'list');
}

function role(
  value: unknown,
  path: string,
  wrong: Wrong,
): Manifest['backstage'] {
  const found = map(value, path, wrong) ?? {};
  const entry = (key: string) =>
    found[key] === undefined
      ? undefined
      : text(found[key], `${path}.${key}`, wrong);
  return { role: entry('role'), pluginId: entry('pluginId') };
}
