export { ConcurrencyLimit } from './ConcurrencyLimit';
export { TooManyRequestsError, UpstreamTimeoutError } from './errors';
export * from './Limits';
export * from './PrometheusClient';
export { type Flavor, PrometheusInstance } from './PrometheusInstance';
export { PrometheusInstances } from './PrometheusInstances';
export * from './Querier';
export { QueryCache } from './QueryCache';
export {
  type ActiveAlert,
  type AlertFilter,
  type RuleGroup,
  toAlerts,
} from './rules';
export type { UpstreamOptions } from './Upstream';
