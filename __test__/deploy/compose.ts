import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { parse } from 'yaml';

const FOLDER = path.resolve('deploy/compose');
export const FILE = path.join(FOLDER, 'compose.yaml');

/** What the tests look at of a Compose file. */
export interface Compose {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
  secrets: Record<string, { file: string }>;
}

export interface Service {
  environment?: Record<string, string>;
  networks: string[];
  secrets?: string[];
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, unknown>;
  stop_grace_period?: string;
}

export interface Mount {
  /** Absolute, on this machine. */
  source: string;
  /** Absolute, in the container. */
  target: string;
}

export const compose = parse(readFileSync(FILE, 'utf8'), {
  merge: true,
}) as Compose;

export const BACKENDS = ['backstage-1', 'backstage-2'];

/** What a service sees of the repository; volumes of Docker are left out. */
export function mounts({ volumes = [] }: Service): Mount[] {
  return volumes
    .map(volume => volume.split(':'))
    .filter(([source]) => source.startsWith('.'))
    .map(([source, target]) => ({
      source: path.resolve(FOLDER, source),
      target,
    }));
}

/** The file or folder of the repository that a service finds at a path. */
export function mounted(service: string, target: string): string {
  const found = mounts(compose.services[service]).find(
    mount => mount.target === target,
  );
  if (!found) {
    throw new Error(`${service} has nothing at ${target}`);
  }
  return found.source;
}

/** A folder with every secret, whose value is its name. */
export function secretsFolder(t: TestContext): string {
  const folder = temporary(t);
  for (const name of Object.keys(compose.secrets)) {
    // As `openssl rand -hex 32 > secrets/…` writes it: with the end of the line.
    writeFileSync(path.join(folder, name), `${name}\n`);
  }
  return folder;
}

/** A copy of a file that the containers read, with other secrets and other words replaced. */
export function adapted(
  file: string,
  secrets: string,
  words: Record<string, string> = {},
): string {
  return Object.entries({ '/run/secrets': secrets, ...words }).reduce(
    (text, [from, to]) => text.replaceAll(from, to),
    readFileSync(file, 'utf8'),
  );
}

/** Prometheus' folder as its container has it; gives the file of the configuration. */
export function prometheusFile(
  t: TestContext,
  secrets: string,
  words?: Record<string, string>,
): string {
  const folder = temporary(t);
  const inFolder = ({ target }: Mount) =>
    path.join(folder, path.basename(target));
  const [config, ...rules] = mounts(compose.services.prometheus);
  writeFileSync(inFolder(config), adapted(config.source, secrets, words));
  rules.forEach(rule => copyFileSync(rule.source, inFolder(rule)));
  return inFolder(config);
}

function temporary(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'metrics-compose-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
