import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { eventually } from './eventually';

export const FIXTURES = path.join(__dirname, '../fixtures');

/** Longer than most tests wait for anything: a program that outlives it hangs. */
const LIMIT_MS = 60_000;

export interface ProgramOptions {
  env?: Record<string, string>;
  /** Options of Node itself, before the script. */
  execArgv?: string[];
  args?: string[];
  cwd?: string;
  /** Milliseconds after which it is taken to hang. */
  limit?: number;
}

/** How a program ended. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A running program of a test, ended with the test at the latest. */
export class Program {
  stdout = '';
  stderr = '';
  readonly ending: Promise<Ending>;

  private constructor(
    private readonly child: ChildProcess,
    limitMs = LIMIT_MS,
  ) {
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
    this.ending = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        clearTimeout(limit);
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
    // Who awaits the ending still sees the failure; nobody need.
    this.ending.catch(() => {});
  }

  /** Runs any command, with nothing but this environment. */
  static command(
    t: Pick<TestContext, 'after'>,
    command: string,
    args: string[],
    options: Pick<ProgramOptions, 'env' | 'cwd' | 'limit'> = {},
  ): Program {
    const program = new Program(
      spawn(command, args, {
        cwd: options.cwd,
        env: options.env,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      }),
      options.limit,
    );
    t.after(() => program.stop());
    return program;
  }

  /** Runs a script of `fixtures/`, or an absolute path, on the Node that runs the test. */
  static node(
    t: Pick<TestContext, 'after'>,
    script: string,
    options: ProgramOptions = {},
  ): Program {
    const { env = {}, execArgv = [], args = [], cwd, limit } = options;
    return Program.command(
      t,
      process.execPath,
      [...execArgv, path.resolve(FIXTURES, script), ...args],
      { env: { ...inherited(), ...env }, cwd, limit },
    );
  }

  /** What a line of the output says, once it is there. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    return eventually(() => {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (!match) {
        throw new Error(
          `No ${String(pattern)} in the output:\n${this.stdout}${this.stderr}`,
        );
      }
      return match;
    });
  }

  /** What it answers to a message. */
  ask<T>(message: string): Promise<T> {
    const answer = this.message<T>();
    this.child.send(message);
    return answer;
  }

  /** The next message that it sends. */
  async message<T>(): Promise<T> {
    const [message] = (await once(this.child, 'message')) as [T];
    return message;
  }

  send(message: string): void {
    this.child.send(message);
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill(signal);
    }
    await this.ending.catch(() => {});
  }
}

/** The environment of a program that loads these files first, after what the tests' own Node does. */
export function preloading(files: readonly string[]): Record<string, string> {
  const options = files.map(file => `--require "${file}"`);
  return {
    NODE_OPTIONS: [process.env.NODE_OPTIONS ?? '', ...options].join(' '),
  };
}

/** Runs a script to its end. */
export function runNode(
  t: TestContext,
  script: string,
  options?: ProgramOptions,
): Promise<Ending> {
  return Program.node(t, script, options).ending;
}

/** The machine's environment without what would configure the programs under test. */
function inherited(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined &&
        !entry[0].startsWith('OTEL_') &&
        entry[0] !== 'NODE_TEST_CONTEXT',
    ),
  );
}
