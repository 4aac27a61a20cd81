import type { App } from './App';
import { apiCopies } from './checks/apiCopies';
import { backendFeature } from './checks/backendFeature';
import { config } from './checks/config';
import { environment } from './checks/environment';
import { metricNames } from './checks/metricNames';
import { oneOffMetrics } from './checks/oneOffMetrics';
import { packageCopies } from './checks/packageCopies';
import { page } from './checks/page';
import { platform } from './checks/platform';
import { pluginApi } from './checks/pluginApi';
import { port } from './checks/port';
import { readable } from './checks/readable';
import { registerFirst } from './checks/registerFirst';
import { secondPipeline } from './checks/secondPipeline';
import type { Finding } from './Finding';

interface Check {
  /** What it looks at, for the report of a healthy app. */
  looksAt: string;
  /** Why it had nothing to look at. */
  leftOut?: (app: App) => string | undefined;
  run: (app: App) => Promise<Finding[]>;
}

/** All of them, in the order of the report. */
export const CHECKS: Check[] = [
  { looksAt: 'Node and the native addon', run: platform },
  { looksAt: 'copies of @opentelemetry/api', run: apiCopies },
  { looksAt: 'copies of @nativestage/metrics', run: packageCopies },
  { looksAt: '@backstage/backend-plugin-api', run: pluginApi },
  { looksAt: 'the backend adds the package', run: backendFeature },
  { looksAt: 'backend.metrics in the configuration', run: config },
  { looksAt: 'OTEL_* variables', run: environment },
  { looksAt: "the page's port", run: port },
  { looksAt: 'metrics pipelines beside this one', run: secondPipeline },
  { looksAt: 'the order of instrumentation', run: registerFirst },
  { looksAt: 'one-off metrics', run: oneOffMetrics },
  { looksAt: 'metric names in the code', run: metricNames },
  { looksAt: 'the running page', leftOut: pageLeftOut, run: page },
  { looksAt: 'files that can be read', run: readable },
];

function pageLeftOut({ live }: App): string | undefined {
  if (!live) {
    return 'it has no port of its own; --url says where it is';
  }
  return live.answer.state === 'ours'
    ? undefined
    : `nothing answers at ${live.url}`;
}
