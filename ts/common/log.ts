import { diag } from '@opentelemetry/api';
import { apiVersion } from './apiCopies';
import { isThenable, settled } from './thenable';
import { textOf } from './text';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What a logger must be able to do; Backstage's `LoggerService` and OpenTelemetry's `diag` can. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

const LEVELS = ['debug', 'info', 'warn', 'error', 'none'] as const;

let logger: Logger = diag;
/** What is below is not said at all; until it is set the logger decides. */
let lowest: (typeof LEVELS)[number] = 'debug';
let exiting = false;

/** Sends everything from now on to this logger: Backstage's root logger, once there is one. */
export function setLogger(next: Logger): void {
  logger = next;
}

/** From now on only this level and worse ones are said: one of {@link LEVELS}, as the configuration has it. */
export function setLogLevel(level: string): void {
  lowest = level as typeof lowest;
}

function isSaid(level: LogLevel): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(lowest);
}

/** From now on nothing runs later: what is said is written at once. */
export function logsAtExit(): void {
  exiting = true;
}

/**
 * Says something. An error does not go unseen when nobody set a logger. A logger that fails is never
 * the failure of whoever records.
 */
export function log(level: LogLevel, message: string): void {
  if (!isSaid(level)) {
    return;
  }
  const failed = (error: unknown) => loggerFailed(error, level, message);
  try {
    const result: unknown = logger[level](`[metrics] ${message}`);
    if (isThenable(result)) {
      settled(result).catch(failed);
    }
  } catch (error) {
    failed(error);
    return;
  }
  if (level === 'error') {
    warnIfUnheard(message);
  }
}

/** Says what the engine says. */
export function logLine(line: { level: string; message: string }): void {
  log(line.level as LogLevel, line.message);
}

/** Says something that must not go unseen, whatever its level. */
export function logLoudly(level: 'warn' | 'error', message: string): void {
  log(level, message);
  if (level === 'warn' && isSaid(level)) {
    warnIfUnheard(message);
  }
}

function warnIfUnheard(message: string): void {
  if (logger === diag && !hasDiagLogger()) {
    warn(message);
  }
}

/** What a failing logger did not take goes where it does without one. */
function loggerFailed(error: unknown, level: LogLevel, message: string): void {
  if (level === 'warn' || level === 'error') {
    warn(`${message} (the logger failed: ${textOf(error)})`);
  }
}

function warn(message: string): void {
  if (exiting) {
    // A process warning is written on the next tick, and there is none.
    console.error(`MetricsWarning: ${message}`);
  } else {
    process.emitWarning(message, { type: 'MetricsWarning' });
  }
}

/**
 * Whether the program gave `diag` a logger that hears us; without one `diag` is silent. It also is
 * when an older copy of the API holds the logger: a copy uses what its own minor version or a later
 * one registered.
 */
function hasDiagLogger(): boolean {
  const api = (
    globalThis as Record<
      symbol,
      { diag?: unknown; version?: string } | undefined
    >
  )[Symbol.for('opentelemetry.js.api.1')];
  return api?.diag !== undefined && minor(api.version) >= minor(apiVersion());
}

function minor(version = ''): number {
  return Number(version.split('.')[1]);
}
