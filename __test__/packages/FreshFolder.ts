import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { Program } from '../support/Program';

const ROOT = path.join(__dirname, '../..');
/** What was built for the Node that runs this, where that is not the one that ran `npm ci`. */
const SQLITE_OF_NODE = path.resolve(
  process.execPath,
  '../../../better-sqlite3',
);
/** A cold cache and a slow registry: with a warm one it takes a minute. */
const LIMIT_MS = 300_000;

/** npm cannot reach the registry: nothing can be said of the packages then. */
export class RegistryUnreachable extends Error {}

/** An empty folder outside of the repository, in which packages are installed as users do. */
export class FreshFolder {
  constructor(readonly directory: string) {
    mkdirSync(directory, { recursive: true });
  }

  file(name: string): string {
    return path.join(this.directory, name);
  }

  write(name: string, content: string | object): void {
    const file = this.file(name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(
      file,
      typeof content === 'string' ? content : JSON.stringify(content),
    );
  }

  unpack(tarball: string): void {
    execFileSync('tar', ['xzf', tarball], { cwd: this.directory });
  }

  /** Installs without running any package's scripts. */
  async npm(t: Pick<TestContext, 'after'>, ...args: string[]): Promise<void> {
    const quiet = ['--ignore-scripts', '--no-audit', '--no-fund'];
    const { code, stderr } = await Program.command(
      t,
      'npm',
      [...args, '--prefer-offline', ...quiet],
      { cwd: this.directory, env: environment(), limit: LIMIT_MS },
    ).ending;
    if (code === 0) {
      return;
    }
    const message = `npm ${args.join(' ')} failed:\n${stderr}`;
    throw /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH/.test(stderr)
      ? new RegistryUnreachable(message)
      : new Error(message);
  }

  /** A better-sqlite3 that is compiled for this Node already: saves the minute of compiling it. */
  addSqlite(): void {
    const name = 'node_modules/better-sqlite3';
    const build = path.join(
      existsSync(SQLITE_OF_NODE) ? SQLITE_OF_NODE : path.join(ROOT, name),
      'build',
    );
    const target = this.file(`${name}/build`);
    rmSync(target, { recursive: true, force: true });
    cpSync(build, target, { recursive: true });
  }
}

/** The machine's environment without what `npm run` and the tests' own Node add. */
export function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined &&
        !/^(npm_(config_local_prefix|package_|lifecycle_)|OTEL_|NODE_OPTIONS$|NODE_TEST_CONTEXT$)/i.test(
          entry[0],
        ),
    ),
  );
}

/** The version that the repository has installed. */
export function installedVersion(name: string): string {
  return (
    JSON.parse(
      readFileSync(
        path.join(ROOT, 'node_modules', name, 'package.json'),
        'utf8',
      ),
    ) as { version: string }
  ).version;
}
