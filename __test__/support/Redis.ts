import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { eventually } from './eventually';
import { freePort } from './ports';
import { Program } from './Program';
import { REDIS } from './tools';

const run = promisify(execFile);

/** A running Redis that keeps nothing on the disk. Ends with the test. */
export class Redis {
  private program: Program | undefined;

  private constructor(
    private readonly t: Pick<TestContext, 'after'>,
    private readonly directory: string,
    readonly port: number,
  ) {}

  static async serve(t: Pick<TestContext, 'after'>): Promise<Redis> {
    const directory = mkdtempSync(path.join(tmpdir(), 'metrics-redis-'));
    const server = new Redis(t, directory, await freePort());
    await server.start();
    t.after(async () => {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    });
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it again, on its port and empty. */
  async start(): Promise<void> {
    const program = Program.command(
      this.t,
      REDIS,
      [
        ...['--port', `${this.port}`, '--bind', '127.0.0.1'],
        ...['--save', '', '--appendonly', 'no'],
      ],
      { cwd: this.directory },
    );
    this.program = program;
    await eventually(() => this.command('ping')).catch((error: unknown) => {
      throw new Error(program.stdout, { cause: error });
    });
  }

  /** Breaks off every connection, and takes no more. */
  async stop(): Promise<void> {
    await this.program?.stop('SIGTERM');
    this.program = undefined;
  }

  /** What the server answers, over a connection of its own. */
  async command(...args: string[]): Promise<string> {
    const { stdout } = await run(`${path.dirname(REDIS)}/redis-cli`, [
      ...['-e', '-p', `${this.port}`],
      ...args,
    ]);
    return stdout;
  }

  /** A number of `INFO stats`. */
  async stat(name: string): Promise<number> {
    const info = await this.command('info', 'stats');
    return Number(new RegExp(`^${name}:(\\d+)\\r?$`, 'm').exec(info)![1]);
  }

  /** How many connections there are, without the one that asks. */
  async connections(): Promise<number> {
    const clients = await this.command('client', 'list', 'type', 'normal');
    return clients.trim().split('\n').length - 1;
  }
}
