export { BoundedMap } from './BoundedMap';
export { UpstreamTimeoutError } from './errors';
export type { PrometheusInstance } from './PrometheusInstance';
export { Querier, type QueryRequest, type RangeRequest } from './Querier';
export { QueryCache } from './QueryCache';
export type { Silences } from './Silences';
export { sizeOf } from './sizeOf';
export { readTraceUrl } from './traceUrl';
