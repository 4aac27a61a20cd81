import type {
  NativeMeterDecision,
  NativeProvider,
  NativeScope,
} from '../../binding';
import { attributesOf, type JsonSet } from './attributes';
import { toJson } from '../common/json';
import { log } from '../common/log';
import type { MeterConfigurator, MeterScope } from '../options/options';
import { messageOf, shortened, textOf } from '../common/text';

/** Has a function of the program's say which meters are enabled: once for each, before it is used. */
export class MeterFunction {
  private configurator: MeterConfigurator | undefined;
  /** The meters of this thread, those without an instrument too. */
  private readonly scopes = new Map<string, NativeScope>();

  constructor(private readonly native: NativeProvider) {}

  /** A meter that may be new. */
  add(scope: NativeScope): void {
    const key = keyOf(scope);
    if (this.scopes.has(key)) {
      return;
    }
    this.scopes.set(key, scope);
    if (this.configurator) {
      this.native.decideMeters([decision(this.configurator, scope)]);
    }
  }

  /** What a function says of every meter that there is, on any thread. */
  decideAll(configurator: MeterConfigurator): NativeMeterDecision[] {
    const all = new Map(this.scopes);
    for (const scope of this.native.meters()) {
      all.set(keyOf(scope), scope);
    }
    return [...all.values()].map(scope => decision(configurator, scope));
  }

  /** Takes another function's place, or that of rules. */
  use(configurator: MeterConfigurator | undefined): void {
    this.configurator = configurator;
  }

  /** Decides about meters of other threads. */
  answer(): void {
    const { configurator } = this;
    if (configurator) {
      const scopes = this.native.undecidedMeters();
      this.native.decideMeters(
        scopes.map(scope => decision(configurator, scope)),
      );
    }
  }
}

function keyOf({ name, version, schemaUrl, attributes }: NativeScope): string {
  return toJson([name, version, schemaUrl, attributes]);
}

/** Nothing is thrown from here: a meter is enabled unless it is clear that it is not to be. */
function decision(
  configurator: MeterConfigurator,
  scope: NativeScope,
): NativeMeterDecision {
  const name = () => JSON.stringify(shortened(scope.name, 64));
  try {
    const config: unknown = configurator(scopeOf(scope));
    const found = (config as { enabled?: unknown } | null | undefined)?.enabled;
    if (isConfig(config) && (found === undefined || found === !!found)) {
      return { scope, enabled: found ?? true };
    }
    log(
      'error',
      `meterConfigurator returned ${isConfig(config) ? `enabled: ${textOf(found)}` : textOf(config)} for the meter ${name()}, expected { enabled: true or false } or undefined; the meter is enabled`,
    );
  } catch (error) {
    log(
      'error',
      `meterConfigurator threw for the meter ${name()}, which is enabled: ${messageOf(error)}`,
    );
  }
  return { scope, enabled: true };
}

function isConfig(config: unknown): boolean {
  return (
    config === undefined ||
    (typeof config === 'object' && config !== null && !('then' in config))
  );
}

function scopeOf({
  name,
  version,
  schemaUrl,
  attributes,
}: NativeScope): MeterScope {
  return {
    name,
    version: version ?? undefined,
    schemaUrl: schemaUrl ?? undefined,
    attributes: attributesOf(JSON.parse(attributes ?? '[]') as JsonSet),
  };
}
