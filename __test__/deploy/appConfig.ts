import type { MetricsOptions } from '@nativestage/metrics/sdk';

/** What the tests look at of an `app-config.production.yaml`. */
export interface AppConfig {
  backend: {
    lifecycle?: { serverShutdownDelay: { seconds: number } };
    metrics: {
      resource?: MetricsOptions['resource'];
      exporters: {
        prometheus: { host: string; token: { $file: string } };
        otlp?: { endpoint: string; interval: { seconds: number } };
      };
    };
  };
}

/** Defaults of `exporters.otlp.timeout` and of `exitTimeout`, which the examples do not change. */
const EXPORT_SECONDS = 10 + 5;

/** How long Backstage's event bus holds a poll open, and with it the shutdown of its server. */
export const LONG_POLL_SECONDS = 55;

/** How long after SIGTERM the last export may end, without what plugins need. */
export function endingSeconds({
  backend,
}: {
  backend: Pick<AppConfig['backend'], 'lifecycle'>;
}): number {
  return (
    LONG_POLL_SECONDS +
    EXPORT_SECONDS +
    (backend.lifecycle?.serverShutdownDelay.seconds ?? 0)
  );
}
