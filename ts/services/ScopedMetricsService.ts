import { type Meter, metrics } from '@opentelemetry/api';
import type { NativeMetricsService } from '../../binding';
import {
  type InstrumentSource,
  LenientInstruments,
  MeterInstruments,
} from '../instruments/InstrumentSource';
import type { NativeMeterProvider } from '../provider/NativeMeterProvider';
import type { MetricsService } from './services';
import { SourcedMeter } from '../instruments/SourcedMeter';

/** How a service treats names that break the rules. */
export type NamePolicy = 'throw' | 'repair';

/** What a service is made of: named instruments, and the plain meter of its scope. */
export interface ServiceParts {
  source: InstrumentSource;
  meter: Meter;
}

/** The metrics service of one scope. */
export class ScopedMetricsService
  extends SourcedMeter
  implements MetricsService
{
  private readonly meter: Meter;

  constructor({ source, meter }: ServiceParts) {
    super(source);
    this.meter = meter;
  }

  getMeter(): Meter {
    return this.meter;
  }
}

/** Parts over a native service, which names and registers. */
export function nativeParts(
  provider: NativeMeterProvider,
  service: NativeMetricsService,
  policy: NamePolicy,
): ServiceParts {
  const source = provider.serviceFactory(service, policy === 'repair');
  return {
    source: policy === 'repair' ? new LenientInstruments(source) : source,
    meter: provider.scopeMeter(service.scope),
  };
}

/**
 * Parts over a meter that is not ours: names get the prefix, everything else is up to that meter.
 * By default the one that is registered with `@opentelemetry/api`, for where the addon cannot be
 * loaded.
 */
export function meterParts(
  prefix: string,
  meter: Meter = metrics.getMeter(prefix),
): ServiceParts {
  return { source: new MeterInstruments(meter, `${prefix}.`), meter };
}
