import { diag } from '@opentelemetry/api';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What a logger must be able to do; Backstage's `LoggerService` and OpenTelemetry's `diag` can. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

let logger: Logger = diag;

/** Sends everything from now on to this logger: Backstage's root logger, once there is one. */
export function setLogger(next: Logger): void {
  logger = next;
}

export function log(level: LogLevel, message: string): void {
  logger[level](`[metrics] ${message}`);
}

/**
 * For what must not go unseen even when nobody set a `diag` logger: a process warning as well.
 * Once a logger was set, it alone is told.
 */
export function logLoudly(level: 'warn' | 'error', message: string): void {
  log(level, message);
  if (logger === diag) {
    process.emitWarning(message, { type: 'MetricsWarning' });
  }
}
