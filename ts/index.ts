/**
 * Native metrics for Backstage backends. The default export is a feature loader:
 * `backend.add(import('@nativestage/metrics'))`.
 *
 * @packageDocumentation
 */
import './register';

export { metricsFeatureLoader as default } from './backstage/metricsFeatureLoader';
export { metricsServiceFactory } from './backstage/metricsServiceFactory';
export { metricsServiceRef, rootMetricsServiceRef } from './backstage/refs';
export { rootMetricsServiceFactory } from './backstage/rootMetricsServiceFactory';
export { DefaultRootMetricsService } from './services/DefaultRootMetricsService';
export {
  isMetricsError,
  MetricsError,
  type MetricsErrorCode,
} from './common/errors';
export type {
  BoundCounter,
  BoundRecorder,
  SeriesControl,
} from './instruments/synchronous';
export type * from './options/exemplarReservoir';
export type * from './options/options';
export type * from './services/services';
export type {
  Attributes,
  AttributeValue,
  BatchObservableCallback,
  BatchObservableResult,
  Counter,
  Gauge,
  Histogram,
  Meter,
  MetricAdvice,
  MetricOptions,
  Observable,
  ObservableCallback,
  ObservableCounter,
  ObservableGauge,
  ObservableResult,
  ObservableUpDownCounter,
  UpDownCounter,
} from '@opentelemetry/api';
export { ValueType } from '@opentelemetry/api';
