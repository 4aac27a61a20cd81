// What the dashboards' variables select, and the variables themselves.
import { variable } from './builders.mjs';

/** On every page of this package and on no other, so that other jobs are not offered. */
const OURS = 'telemetry_sdk_name="nativestage"';
const JOB = 'job=~"$job"';

export const SCOPE = `${JOB}, instance=~"$instance"`;
export const PLUGIN_SCOPE = `${SCOPE}, plugin=~"$plugin"`;

export const job = variable('job', `target_info{${OURS}}`);
export const instance = variable('instance', `target_info{${OURS}, ${JOB}}`);
export const plugin = variable(
  'plugin',
  `backstage_core_http_requests_total{${SCOPE}}`,
);
