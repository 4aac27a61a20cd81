import type { AttributeValue } from '@opentelemetry/api';
import type { DetectedResource } from '@opentelemetry/resources';
import type { NativeProvider } from '../../binding';
import { native } from '../common/errors';
import type { ObservableCallbacks } from '../instruments/ObservableCallbacks';
import { toJson } from '../common/json';
import { log } from '../common/log';
import { isThenable, settled } from '../common/thenable';
import { textOf } from '../common/text';
import { clearTimeout, setImmediate, setTimeout } from '../common/timers';
import { loadDetector } from './detectors';
import { knownAttributes, type Resource } from '../options/Resource';

/** What takes longer is left out. */
const PATIENCE_MS = 5000;

/**
 * The semantic conventions that the attributes of detectors follow. Those of OpenTelemetry's packages
 * leave it to others to say so (Resource SDK specification, "Detecting resource information from the
 * environment").
 */
const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.37.0';

interface Layer {
  attributes: Record<string, AttributeValue>;
  schemaUrl?: string;
}

/**
 * Adds to a provider's resource what takes its time: what detectors find, and the attributes that a
 * program's resource has promised. The start does not wait for it; collections do, each for its own
 * time at most, as for an asynchronous callback.
 */
export function completeResource(
  provider: NativeProvider,
  callbacks: ObservableCallbacks,
  detectors: string[],
  resource: Resource | undefined,
): void {
  const parts: Promise<void>[] = [];
  const add = (layer: Promise<Layer>, isDetected: boolean) =>
    parts.push(
      layer
        .then(found =>
          native(() => provider.completeResource(toJson(found), isDetected)),
        )
        .catch((error: unknown) =>
          log('error', `the resource is not complete: ${textOf(error)}`),
        ),
    );
  if (detectors.length > 0) {
    add(detect(detectors), true);
  }
  if (resource?.asyncAttributesPending) {
    add(awaited(resource), false);
  }
  if (parts.length === 0) {
    return;
  }
  const complete = Promise.all(parts).then(() => undefined);
  const forget = callbacks.addProducer(async patience => {
    await within(complete, patience);
  });
  void complete.then(forget);
}

/** What all detectors find; of one attribute the later one's. */
async function detect(names: string[]): Promise<Layer> {
  // The program comes first: loading the detectors takes longer than starting.
  await new Promise(resolve => setImmediate(resolve));
  const found = await Promise.all(names.map(detectOne));
  const attributes = Object.assign({}, ...found) as Layer['attributes'];
  return { attributes, schemaUrl: SCHEMA_URL };
}

async function detectOne(name: string): Promise<Layer['attributes']> {
  try {
    const detector = await loadDetector(name);
    return await valuesOf(name, detector.detect());
  } catch (error) {
    log('warn', `the resource detector ${name} failed: ${textOf(error)}`);
    return {};
  }
}

async function valuesOf(
  detector: string,
  { attributes = {} }: DetectedResource,
): Promise<Layer['attributes']> {
  const values: Layer['attributes'] = {};
  await Promise.all(
    Object.entries(attributes).map(async ([key, value]) => {
      const found = isThenable(value)
        ? await patient(`${key} of the resource detector ${detector}`, value)
        : value;
      // No detector says that it knows nothing in the same way.
      if (found !== undefined && found !== null && found !== '') {
        values[key] = found as AttributeValue;
      }
    }),
  );
  return values;
}

async function awaited(resource: Resource): Promise<Layer> {
  const waiting = resource.waitForAsyncAttributes?.();
  if (waiting) {
    await patient('what the resource of the options waits for', waiting);
  }
  return {
    attributes: knownAttributes(resource),
    schemaUrl: resource.schemaUrl,
  };
}

/** A promise's value, unless it fails or takes too long. */
async function patient(
  what: string,
  promise: PromiseLike<unknown>,
): Promise<unknown> {
  try {
    const outcome = await within(settled(promise), PATIENCE_MS);
    if (outcome) {
      return outcome.value;
    }
    log(
      'warn',
      `${what} is left out: it was not there after ${PATIENCE_MS} ms`,
    );
  } catch (error) {
    log('warn', `${what} is left out: ${textOf(error)}`);
  }
  return undefined;
}

/** `undefined` where it takes longer. */
async function within<T>(
  promise: Promise<T>,
  milliseconds: number,
): Promise<{ value: T } | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>(resolve => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
    timer.unref();
  });
  try {
    return await Promise.race([promise.then(value => ({ value })), late]);
  } finally {
    clearTimeout(timer);
  }
}
