import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node';
import { sharedRun } from './perProvider';
import { observeProcess } from './processMetrics';
import { steadyMeter } from './steadyMeter';

/**
 * Starts OpenTelemetry's own metrics of the event loop, the garbage collector and the heap, and ours
 * of the process. Neither keeps the process alive.
 */
export const runRuntime = sharedRun('runtime', metrics => {
  // Its instruments must be ours before it starts: those of the global provider have no prefix.
  const instrumentation = new RuntimeNodeInstrumentation({ enabled: false });
  const ended = new AbortController();
  const meter = steadyMeter(metrics, ended.signal);
  instrumentation.setMeterProvider({ getMeter: () => meter });
  instrumentation.enable();
  const stopProcess = observeProcess(metrics);
  return () => {
    instrumentation.disable();
    ended.abort();
    stopProcess();
  };
});
