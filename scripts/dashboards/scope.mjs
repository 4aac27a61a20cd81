// What the dashboards' variables select, and the variables themselves.
import { variable } from './builders.mjs';

/** Of every instance of this package and of no other, so that other jobs are not offered. */
const OURS = 'telemetry_sdk_name="nativestage"';
const CLUSTER = 'cluster=~"$cluster"';
const NAMESPACE = `${CLUSTER}, namespace=~"$namespace"`;
const JOB = `${NAMESPACE}, job=~"$job"`;

export const SCOPE = `${JOB}, instance=~"$instance"`;
export const PLUGIN_SCOPE = `${SCOPE}, plugin=~"$plugin"`;

/** What tells environments apart: gauges that all instances of one repeat are taken once by it. */
export const ENVIRONMENT = 'cluster, namespace, job';

/** The instances that export, scraped or pushed over OTLP. */
export const INSTANCES = `target_info{${OURS}, ${SCOPE}}`;

const cluster = variable('cluster', `target_info{${OURS}}`);
const namespace = variable('namespace', `target_info{${OURS}, ${CLUSTER}}`);
// `All` is each of those offered: other jobs have metrics of OpenTelemetry's SDK and `up` as well.
const job = variable('job', `target_info{${OURS}, ${NAMESPACE}}`, {
  allValue: null,
});
const instance = variable('instance', `target_info{${OURS}, ${JOB}}`);

export const environment = [cluster, namespace, job, instance];
export const plugin = variable(
  'plugin',
  `backstage_core_http_requests_total{${SCOPE}}`,
);
