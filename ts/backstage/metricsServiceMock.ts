import {
  createServiceFactory,
  type ServiceFactory,
} from '@backstage/backend-plugin-api';
import { createNoopMeter } from '@opentelemetry/api';
import type { MetricsService } from '../services/services';
import { metricsServiceRef } from './refs';

/** Makes a mock function of a test runner: `jest.fn` or `vi.fn`. */
export type MockFunction = (
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- What `jest.fn` and `vi.fn` both take.
  implementation: (...args: any[]) => any,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- As above.
) => (...args: any[]) => any;

/** A service of mocks: nothing is recorded. */
export interface MetricsServiceMock extends MetricsService {
  /** For `startTestBackend({ features })` and `ServiceFactoryTester`. */
  factory: ServiceFactory<MetricsService>;
}

/**
 * A metrics service whose methods, and those of its instruments, are the test runner's mocks, as
 * `mockServices` of `@backstage/backend-test-utils` has them; with what our service has beyond
 * Backstage's. To test values rather than calls, use {@link createTestMetrics}.
 *
 * @param fn - `jest.fn`, or `vi.fn` of Vitest
 */
export function metricsServiceMock(fn: MockFunction): MetricsServiceMock {
  if (typeof fn !== 'function') {
    throw new TypeError(
      `metricsServiceMock needs a function that makes mocks, such as jest.fn or vi.fn; got ${fn === null ? 'null' : typeof fn}`,
    );
  }
  const nothing = () => fn(() => undefined);
  const synchronous = (method: 'add' | 'record') =>
    fn(() => ({
      [method]: nothing(),
      bind: fn(() => ({ [method]: nothing() })),
      remove: nothing(),
      clear: nothing(),
      enabled: fn(() => true),
    }));
  const observable = () =>
    fn(() => ({ addCallback: nothing(), removeCallback: nothing() }));
  const service: MetricsService = {
    createCounter: synchronous('add'),
    createUpDownCounter: synchronous('add'),
    createHistogram: synchronous('record'),
    createGauge: synchronous('record'),
    createObservableCounter: observable(),
    createObservableUpDownCounter: observable(),
    createObservableGauge: observable(),
    addBatchObservableCallback: nothing(),
    removeBatchObservableCallback: nothing(),
    getMeter: fn(() => createNoopMeter()),
  };
  return {
    ...service,
    factory: createServiceFactory({
      service: metricsServiceRef,
      deps: {},
      factory: () => service,
    }),
  };
}
