import { metrics } from '@opentelemetry/api';
import { runInThisContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';
import { adoptInstrumentations } from './adoptInstrumentations';
import { apiCopies, apiVersion } from '../common/apiCopies';
import { atExit } from './atExit';
import { logLine, logLoudly } from '../common/log';
import { type Binding, loadBinding, loadFailure } from '../addon/native';
import { NativeMeterProvider } from './NativeMeterProvider';
import { messageOf } from '../common/text';
import { clearInterval, setInterval } from '../common/timers';

/**
 * How long a program may take to configure before the environment alone decides, and how often it is
 * looked whether there is something to export.
 */
const GRACE_MS = 10_000;

/** Where a configuration without options stands, for messages. */
const ENVIRONMENT = 'environment';

/** Shared by every copy of this package on this thread. */
const KEY = Symbol.for('nativestage.metrics');

/** Looks now and then whether there is something to export. */
interface Grace {
  /** Held here, and weakly by its timer. */
  look: () => void;
  timer: NodeJS.Timeout;
}

interface GlobalState {
  provider: NativeMeterProvider | undefined;
  grace: Grace | undefined;
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
  if (isMainThread) {
    // First, so that the own providers' last exports go on meanwhile.
    endWithProcess(binding);
  }
  const grace = isMainThread ? configureOnceUsed(provider) : undefined;
  provider.endWithThread(isMainThread, () => {
    if (isMainThread && !provider.isConfigured && provider.hasInstruments) {
      configureAtExit(provider);
    }
  });
  return { provider, grace };
}

/** Other threads end with the process, without `exit` listeners. */
function endWithProcess({ NativeProvider }: Binding): void {
  atExit({
    settle: () => false,
    beforeExit: () => {},
    handOver: () => {},
    begin: () => {},
    finish: () => NativeProvider.exitOthers().forEach(logLine),
  });
}

/** A Backstage app configures late, when its root service starts: the environment must wait. */
export function awaitConfiguration(): void {
  clearInterval(globalState().grace?.timer);
}

/**
 * Package managers and other tools that inherit `NODE_OPTIONS` measure nothing: they open no port
 * and push nothing. Who begins later than after the grace time exports from the next look on.
 */
function configureOnceUsed(provider: NativeMeterProvider): Grace {
  const look = () => {
    if (provider.isConfigured) {
      clearInterval(timer);
    } else if (provider.hasMetrics) {
      clearInterval(timer);
      tryConfigure(() => provider.configure({}, ENVIRONMENT));
    }
  };
  const timer = setWeakInterval(setInterval, look, GRACE_MS).unref();
  return { look, timer };
}

/**
 * An interval that ends when the function is garbage. Function and `WeakRef` are of Node's own realm:
 * with those of a test file's, the timer would keep the realm that its runner has let go.
 */
const setWeakInterval = runInThisContext(`(
  function setWeakInterval(setInterval, look, milliseconds) {
    const weak = new WeakRef(look);
    const timer = setInterval(() => {
      const look = weak.deref();
      if (look) {
        look();
      } else {
        timer.close();
      }
    }, milliseconds);
    return timer;
  }
)`) as (
  set: typeof setInterval,
  look: () => void,
  milliseconds: number,
) => NodeJS.Timeout;

/** A program that recorded and ends unconfigured still pushes what the environment asks for. */
function configureAtExit(provider: NativeMeterProvider): void {
  tryConfigure(() =>
    provider.configure({ exporters: { prometheus: false } }, ENVIRONMENT),
  );
}

function tryConfigure(configure: () => void): void {
  try {
    configure();
  } catch (error) {
    logLoudly('error', messageOf(error));
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
  try {
    const real = (provider as { getDelegate?: () => object }).getDelegate?.();
    return (real ?? provider).constructor.name;
  } catch {
    // It may be anything: a proxy, an object without a prototype.
    return 'of an unknown class';
  }
}
