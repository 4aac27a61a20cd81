import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { Client } from 'pg';
import { eventually } from './eventually';
import { freePort } from './ports';
import { Program } from './Program';
import { POSTGRESQL } from './tools';

const SUPERUSER = 'postgres';

/** A running PostgreSQL with an empty cluster, whose superuser needs no password. Ends with the test. */
export class PostgreSql {
  readonly connection: { host: string; port: number; user: string };
  private program: Program | undefined;

  private constructor(
    private readonly t: Pick<TestContext, 'after'>,
    private readonly directory: string,
    port: number,
  ) {
    this.connection = { host: '127.0.0.1', port, user: SUPERUSER };
  }

  static async serve(t: Pick<TestContext, 'after'>): Promise<PostgreSql> {
    const directory = mkdtempSync(path.join(tmpdir(), 'metrics-postgresql-'));
    const server = new PostgreSql(t, directory, await freePort());
    if (isRoot()) {
      execFileSync('chown', [SUPERUSER, directory]);
    }
    const [command, ...args] = asUser([
      path.join(POSTGRESQL, 'initdb'),
      ...['--pgdata', `${directory}/data`, '--username', SUPERUSER],
      ...['--auth', 'trust', '--no-sync', '--encoding', 'UTF8'],
    ]);
    execFileSync(command, args, { cwd: directory, stdio: 'pipe' });
    await server.start();
    t.after(async () => {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    });
    return server;
  }

  /** Starts it again, on its port and with its data. */
  async start(): Promise<void> {
    const [command, ...args] = asUser([
      path.join(POSTGRESQL, 'postgres'),
      ...['-D', `${this.directory}/data`, '-p', `${this.connection.port}`],
      ...['-h', this.connection.host, '-k', '', '-F'],
    ]);
    const program = Program.command(this.t, command, args, {
      cwd: this.directory,
    });
    this.program = program;
    await eventually(() => this.query('select 1')).catch((error: unknown) => {
      throw new Error(program.stderr, { cause: error });
    });
  }

  /** Breaks off every connection, and takes no more. */
  async stop(): Promise<void> {
    await this.program?.stop('SIGINT');
    this.program = undefined;
  }

  /** The rows of a query over a connection of its own. */
  async query(sql: string): Promise<Record<string, unknown>[]> {
    const client = new Client({ ...this.connection, database: SUPERUSER });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }
}

/** It runs for any user but root. */
function asUser(command: string[]): string[] {
  return isRoot()
    ? [
        'setpriv',
        `--reuid=${SUPERUSER}`,
        `--regid=${SUPERUSER}`,
        '--init-groups',
        ...command,
      ]
    : command;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
