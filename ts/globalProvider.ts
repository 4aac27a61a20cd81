import { metrics } from '@opentelemetry/api';
import { isMainThread } from 'node:worker_threads';
import { adoptInstrumentations } from './adoptInstrumentations';
import { apiCopies, apiVersion } from './apiCopies';
import { atExit } from './atExit';
import { logLine, logLoudly } from './log';
import { type Binding, loadBinding, loadFailure } from './native';
import { NativeMeterProvider } from './NativeMeterProvider';

/** How long a program may take to configure before the environment alone decides. */
const GRACE_MS = 10_000;

/** Shared by every copy of this package on this thread. */
const KEY = Symbol.for('nativestage.metrics');

interface GlobalState {
  provider: NativeMeterProvider | undefined;
  grace: NodeJS.Timeout | undefined;
}

type GlobalWithState = typeof globalThis & { [KEY]?: GlobalState };

/**
 * This thread's object of the process-wide provider; made, and registered with OpenTelemetry's
 * API, at the first call. `undefined` where the addon cannot be loaded.
 */
export function globalProvider(): NativeMeterProvider | undefined {
  return globalState().provider;
}

function globalState(): GlobalState {
  const shared = globalThis as GlobalWithState;
  return (shared[KEY] ??= start());
}

function start(): GlobalState {
  const binding = loadBinding();
  if (!binding) {
    logLoudly('error', loadFailure()!.message);
    return { provider: undefined, grace: undefined };
  }
  const provider = new NativeMeterProvider(
    binding.NativeProvider.global(),
    isMainThread,
  );
  registerGlobally(provider);
  const state: GlobalState = { provider, grace: undefined };
  if (isMainThread) {
    state.grace = setTimeout(
      () => configureFromEnvironment(provider),
      GRACE_MS,
    );
    state.grace.unref();
  }
  if (isMainThread) {
    // First, so that the own providers' last exports go on meanwhile.
    endWithProcess(binding);
  }
  provider.endWithThread(isMainThread, () => {
    if (isMainThread && !provider.isConfigured) {
      configureAtExit(provider);
    }
  });
  return state;
}

/** Other threads end with the process, without `exit` listeners. */
function endWithProcess({ NativeProvider }: Binding): void {
  atExit({
    settle: () => false,
    handOver: () => {},
    begin: () => {},
    finish: () => NativeProvider.exitOthers().forEach(logLine),
  });
}

/** A Backstage app configures late, when its root service starts: the environment must wait. */
export function awaitConfiguration(): void {
  clearTimeout(globalState().grace);
}

function configureFromEnvironment(provider: NativeMeterProvider): void {
  if (!provider.isConfigured) {
    tryConfigure(() => provider.configure({}, 'environment'));
  }
}

/** A program that ends unconfigured still pushes what the environment asks for. */
function configureAtExit(provider: NativeMeterProvider): void {
  tryConfigure(() =>
    provider.configure({ exporters: { prometheus: false } }, 'environment'),
  );
}

function tryConfigure(configure: () => void): void {
  try {
    configure();
  } catch (error) {
    logLoudly('error', error instanceof Error ? error.message : String(error));
  }
}

/** What `@opentelemetry/api` keeps on `globalThis`. */
interface ApiGlobals {
  version?: string;
  metrics?: object;
}

function registerGlobally(provider: NativeMeterProvider): void {
  const globals = (globalThis as Record<symbol, ApiGlobals | undefined>)[
    Symbol.for('opentelemetry.js.api.1')
  ];
  const existing = globals?.metrics;
  if (metrics.setGlobalMeterProvider(provider)) {
    adoptInstrumentations(provider);
    return;
  }
  if (existing) {
    logLoudly(
      'warn',
      `another OpenTelemetry MeterProvider (${className(existing)}) is registered already: metrics made through @opentelemetry/api go there, ` +
        'metrics made through the Backstage metrics services are exported by @nativestage/metrics. ' +
        'To have all of them here, give your NodeSDK `metricReaders: []` (it makes one for OTLP where none are given), or import @nativestage/metrics/register before it starts.',
    );
    return;
  }
  logLoudly(
    'error',
    `could not register with @opentelemetry/api ${apiVersion()}: version ${globals?.version ?? 'unknown'} was loaded first. ` +
      `Copies in this process: ${apiCopies().join(', ') || 'unknown'}. ` +
      'Metrics made through the other copy are lost; deduplicate @opentelemetry/api (npm ls @opentelemetry/api).',
  );
}

function className(provider: object): string {
  const real = (provider as { getDelegate?: () => object }).getDelegate?.();
  return (real ?? provider).constructor.name;
}
