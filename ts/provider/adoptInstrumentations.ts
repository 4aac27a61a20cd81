import { createNoopMeter, type MeterProvider } from '@opentelemetry/api';

/** Where OpenTelemetry's instrumentations have their base class. */
const BASE_CLASS =
  /[\\/]@opentelemetry[\\/]instrumentation[\\/]build[\\/]src[\\/]instrumentation\.js$/;

/** The part of an instrumentation that is used here. */
interface Instrumentation {
  meter?: unknown;
  getConfig(): unknown;
  setMeterProvider(provider: MeterProvider): void;
}

/**
 * Instrumentations that a `NodeSDK` made before this package was loaded hold instruments that do
 * nothing: the API has no meter that finds its provider later. Nobody lists them, but each asks
 * itself for its configuration whenever it has something to do, and is given the provider then.
 * Those that never ask, such as the one of Node's runtime, stay without.
 */
export function adoptInstrumentations(provider: MeterProvider): void {
  for (const file of Object.keys(require.cache)) {
    if (BASE_CLASS.test(file)) {
      const { InstrumentationAbstract: base } = require.cache[file]
        ?.exports as { InstrumentationAbstract?: { prototype?: object } };
      adoptOf(base?.prototype as Instrumentation | undefined, provider);
    }
  }
}

function adoptOf(
  prototype: Instrumentation | undefined,
  provider: MeterProvider,
): void {
  if (typeof prototype?.getConfig !== 'function') {
    return;
  }
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
  const { getConfig } = prototype;
  const noop = createNoopMeter();
  prototype.getConfig = function getConfigAndProvider(this: Instrumentation) {
    // Made later, or adopted already, it has a meter of ours.
    if (this.meter === noop) {
      this.setMeterProvider(provider);
    }
    return getConfig.call(this);
  };
}
