import path from 'node:path';
import type { AppFiles } from './AppFiles';
import type { Workspace } from './workspaces';

/** A place that starts Node: a script of a package.json, or a Dockerfile. */
export interface Launcher {
  /** As findings name it. */
  file: string;
  /** Such as ``script `start` ``. */
  what: string;
  /** Folders that its relative paths may start from. */
  directories: string[];
  /** What it preloads, in the order in which Node does. */
  preloads: string[];
  /** Whether it keeps Node from loading addons, and by which option. */
  addonsOff?: AddonsOff;
  /** The `OTEL_*` variables it sets. */
  environment: Record<string, string>;
}

/** An option without which Node would load the addon. */
export type AddonsOff = '--no-addons' | '--permission';

const DOCKERFILE = /^(Dockerfile(\..+)?|.+\.Dockerfile)$/;

export function findLaunchers(
  files: AppFiles,
  workspaces: Workspace[],
): Launcher[] {
  return workspaces.flatMap(workspace => [
    ...scripts(files, workspace),
    ...dockerfiles(files, workspace),
  ]);
}

function scripts(
  files: AppFiles,
  { directory, manifest }: Workspace,
): Launcher[] {
  return Object.entries(manifest.scripts ?? {}).map(([name, command]) => ({
    file: files.name(path.join(directory, 'package.json')),
    what: `script \`${name}\``,
    directories: [directory],
    preloads: preloads(command),
    addonsOff: startsNode(command) ? addonsOff(command) : undefined,
    environment: environment(command),
  }));
}

function dockerfiles(files: AppFiles, { directory }: Workspace): Launcher[] {
  return files
    .entries(directory)
    .filter(entry => entry.isFile() && DOCKERFILE.test(entry.name))
    .map(entry => {
      const file = path.join(directory, entry.name);
      const lines = instructions(files.text(file) ?? '');
      return {
        file: files.name(file),
        what: 'image',
        // A Dockerfile's paths are those of the image, which holds either folder as its own root.
        directories: [directory, files.root],
        preloads: preloads(lines.join('\n')),
        addonsOff: addonsOff(lines.join('\n')),
        environment: environment(lines.join('\n')),
      };
    });
}

/** What a Dockerfile says of the process that the image runs. */
function instructions(text: string): string[] {
  return text
    .replace(/\\\r?\n/g, ' ')
    .split('\n')
    .filter(line => /^\s*(ENV|CMD|ENTRYPOINT)\s/i.test(line));
}

/** Node runs everything that is required before anything that is imported. */
function preloads(command: string): string[] {
  const words = command.replace(/["'[\],]+/g, ' ');
  const found = [
    ...words.matchAll(/(?:^|\s|=)(--require|--import|-r)[\s=]+(\S+)/g),
  ];
  const required = found.filter(([, option]) => option !== '--import');
  const imported = found.filter(([, option]) => option === '--import');
  return [...required, ...imported].map(([, , module]) => module);
}

/** Options of the same name are other programs' business. */
function startsNode(command: string): boolean {
  return /(?:^|[\s/])(?:node|nodemon|tsx)(?:\s|$)|\bNODE_OPTIONS=/.test(
    command,
  );
}

/** Of Node's options; the last of an option and its opposite decides. */
export function addonsOff(command: string): AddonsOff | undefined {
  const words = command.split(/[\s"'[\],=]+/);
  const isOn = (...options: string[]) => {
    const last = words
      .filter(word => options.includes(word.replace(/^--no-/, '--')))
      .at(-1);
    return last !== undefined && !last.startsWith('--no-');
  };
  if (words.includes('--no-addons') && !isOn('--addons')) {
    return '--no-addons';
  }
  return isOn('--permission', '--experimental-permission') &&
    !isOn('--allow-addons')
    ? '--permission'
    : undefined;
}

/** A value that is another variable says nothing here. */
function environment(command: string): Record<string, string> {
  const found = command.matchAll(
    /(?:\b|ENV\s+)(OTEL_\w+)(?!\w)(?:=|(?<=ENV\s+\w+)\s+)(?:"([^"\n]*)"|'([^'\n]*)'|([^\s'"]+))/gi,
  );
  const variables = [...found].map(([, name, ...values]) => [
    name,
    values.find(value => value !== undefined) ?? '',
  ]);
  return Object.fromEntries(
    variables.filter(([, value]) => !value.startsWith('$')),
  ) as Record<string, string>;
}
