import type { AttributeValue, Attributes } from '@opentelemetry/api';
import { log } from '../common/log';
import type {
  ResourceAttributeEntry,
  ResourceSettings,
} from './resourceOptions';
import { isThenable } from '../common/thenable';
import { shortened, textOf } from '../common/text';

type RawAttribute = [
  name: string,
  value: AttributeValue | undefined | PromiseLike<AttributeValue | undefined>,
];

/**
 * A resource as `resourceFromAttributes` and `detectResources` of `@opentelemetry/resources` make it,
 * in any of its versions: it merges with others, and may have attributes that are not known yet.
 */
export interface Resource {
  readonly attributes: Attributes;
  /** The schema that the attributes follow. */
  readonly schemaUrl?: string;
  /** Whether {@link waitForAsyncAttributes} has something to wait for. */
  readonly asyncAttributesPending?: boolean;
  waitForAsyncAttributes?(): Promise<void>;
  /** All attributes, of one name the first; values may be promises. */
  getRawAttributes?(): RawAttribute[];
  /** Resource SDK specification, "Merge": the other's attributes win. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each version's own resource
  merge(other: any): Resource;
}

/** Whether a value of the option is an object with the methods of a resource, not a map of settings. */
export function isResource(value: unknown): value is Resource {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { merge?: unknown }).merge === 'function'
  );
}

/** What is known of a resource now, in the shape of the option. */
export function settingsOf(resource: Resource): ResourceSettings {
  return {
    attributes: Object.entries(knownAttributes(resource)).map(entry),
    schema_url: resource.schemaUrl,
  };
}

/** What is known of a resource now. */
export function knownAttributes(
  resource: Resource,
): Record<string, AttributeValue> {
  const raw = resource.getRawAttributes?.();
  const known = Object.create(null) as Record<string, AttributeValue>;
  for (const [name, value] of raw ?? Object.entries(resource.attributes)) {
    if (value === undefined || value === null || isThenable(value)) {
      continue;
    }
    if (isAttribute(value)) {
      known[name] ??= value;
    } else {
      log(
        'warn',
        `the resource attribute ${JSON.stringify(shortened(name, 64))} is left out: found ${shortened(textOf(value), 64)}, expected a string, a number, a boolean or a list of one of these`,
      );
    }
  }
  return known;
}

function entry([name, value]: [string, AttributeValue]) {
  const [first] = Array.isArray(value) ? value : [value];
  const numbers = Array.isArray(value) ? value : [value];
  const type = {
    string: 'string',
    boolean: 'bool',
    number: numbers.every(Number.isInteger) ? 'int' : 'double',
  }[typeof first as 'string' | 'boolean' | 'number'];
  return {
    name,
    value,
    // Of an empty list nobody can tell.
    type: Array.isArray(value) ? `${type ?? 'string'}_array` : type,
  } as ResourceAttributeEntry;
}

function isAttribute(value: unknown): value is AttributeValue {
  const items: unknown[] = Array.isArray(value) ? value : [value];
  const [kind = 'string'] = items.map(item => typeof item);
  return (
    ['string', 'number', 'boolean'].includes(kind) &&
    items.every(item => typeof item === kind && !isNotFinite(item))
  );
}

function isNotFinite(value: unknown): boolean {
  return typeof value === 'number' && !Number.isFinite(value);
}
