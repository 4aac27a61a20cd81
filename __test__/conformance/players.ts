// The two sides: each plays a workload through the OpenTelemetry API.
import {
  createMeterProvider,
  type MetricReader as OurReader,
  type NativeMeterProvider,
} from '@nativestage/metrics/sdk';
import {
  type Attributes,
  type BatchObservableResult,
  type Meter,
  type MeterProvider as ApiMeterProvider,
  type MetricOptions,
  type Observable,
  type ObservableResult,
  ValueType,
} from '@opentelemetry/api';
import {
  AggregationTemporality,
  AggregationType,
  InstrumentType,
  MeterProvider,
  MetricReader,
  type ViewOptions,
} from '@opentelemetry/sdk-metrics';
import {
  attributesAreKeptByReference,
  nanPoisonsCounters,
  oddAttributesThrowOrCollide,
  overflowBeginsOneSetEarly,
} from './faults';
import { INSTRUMENT_TYPES, sdkView } from './sdkView';
import { type Metrics, readOurs, readSdk } from './points';
import {
  type AttributeInput,
  copyAttributes,
  type InstrumentPlan,
  isDelta,
  KINDS,
  type Observation,
  snakeCase,
  type Step,
  type Temporality,
  type ViewPlan,
  type Workload,
} from './workload';

interface Recorder {
  add?(value: unknown, attributes?: Attributes): void;
  record?(value: unknown, attributes?: Attributes): void;
}

type Created = Recorder & Observable;

/** Plays steps through a provider of either side. */
abstract class Player {
  private readonly instruments: Created[];
  private readonly observations = new Map<number, Observation[]>();
  private readonly callbacks: (() => {
    add: () => void;
    remove: () => void;
  })[];

  constructor(
    protected readonly workload: Workload,
    private readonly provider: ApiMeterProvider,
  ) {
    this.instruments = workload.instruments.map(plan => this.create(plan));
    this.callbacks = workload.callbacks.map((_, index) => {
      const handle = this.callback(index);
      return () => handle;
    });
  }

  abstract collect(): Promise<Metrics>;
  abstract shutdown(): Promise<void>;
  /** Gives a value to this side's instrument, unless it cannot take it. */
  protected abstract give(
    value: unknown,
    attributes: AttributeInput,
    to: (value: number, attributes?: Attributes) => void,
  ): void;

  play(step: Step): void {
    switch (step.type) {
      case 'record': {
        const instrument = this.instruments[step.instrument];
        this.pass(step, (value, attributes) =>
          (instrument.add ?? instrument.record!).call(
            instrument,
            value,
            attributes,
          ),
        );
        break;
      }
      case 'again':
        this.instruments[step.instrument] = this.create(
          this.workload.instruments[step.instrument],
        );
        break;
      case 'observe':
        this.observations.set(step.callback, step.observations);
        break;
      case 'register':
        this.callbacks[step.callback]().add();
        break;
      case 'unregister':
        this.callbacks[step.callback]().remove();
        break;
      default:
        break;
    }
  }

  private pass(
    { value, attributes }: Pick<Observation, 'value' | 'attributes'>,
    to: (value: number, attributes?: Attributes) => void,
  ): void {
    const own = copyAttributes(attributes);
    this.give(value, own, to);
    // A program may do what it likes with its objects afterwards.
    for (const [key, kept] of Object.entries(own ?? {})) {
      if (Array.isArray(kept)) {
        kept.push('changed afterwards');
      }
      own![key] = 'changed afterwards';
    }
  }

  private meter({ scope }: InstrumentPlan): Meter {
    return this.provider.getMeter(scope.name, scope.version, {
      schemaUrl: scope.schemaUrl,
    });
  }

  private create(plan: InstrumentPlan): Created {
    const options: MetricOptions = {
      unit: plan.unit,
      description: plan.description,
      valueType: plan.int ? ValueType.INT : undefined,
      advice: plan.boundaries && {
        explicitBucketBoundaries: plan.boundaries,
      },
    };
    const method =
      `create${plan.kind[0].toUpperCase()}${plan.kind.slice(1)}` as 'createCounter';
    return this.meter(plan)[method](plan.name, options) as unknown as Created;
  }

  private callback(index: number) {
    const { instruments, batch, async } = this.workload.callbacks[index];
    const observe = (report: (observation: Observation) => void) => {
      for (const instrument of instruments) {
        (this.observations.get(index) ?? [])
          .filter(observation => observation.instrument === instrument)
          .forEach(report);
      }
      return async
        ? new Promise<void>(resolve => setImmediate(resolve))
        : undefined;
    };
    const observables = () =>
      instruments.map(instrument => this.instruments[instrument]);
    if (batch) {
      const callback = (result: BatchObservableResult) =>
        observe(observation =>
          this.pass(observation, (value, attributes) =>
            result.observe(
              this.instruments[observation.instrument],
              value,
              attributes,
            ),
          ),
        );
      const meter = this.meter(this.workload.instruments[instruments[0]]);
      return {
        add: () => meter.addBatchObservableCallback(callback, observables()),
        remove: () =>
          meter.removeBatchObservableCallback(callback, observables()),
      };
    }
    const callback = (result: ObservableResult) =>
      observe(observation =>
        this.pass(observation, (value, attributes) =>
          result.observe(value, attributes),
        ),
      );
    return {
      add: () => observables()[0].addCallback(callback),
      remove: () => observables()[0].removeCallback(callback),
    };
  }
}

export class OurPlayer extends Player {
  private readonly metrics: NativeMeterProvider;
  private readonly reader: OurReader;

  constructor(workload: Workload, temporality: Temporality) {
    const provider = createMeterProvider({
      exporters: { prometheus: false },
      views: workload.views,
      histogram: workload.histogram,
    });
    const reader = provider.addReader({ temporality });
    super(workload, provider);
    this.metrics = provider;
    this.reader = reader;
  }

  protected give(
    value: unknown,
    attributes: AttributeInput,
    to: (value: number, attributes?: Attributes) => void,
  ) {
    to(value as number, attributes as Attributes);
  }

  collect(): Promise<Metrics> {
    return readOurs(this.reader);
  }

  shutdown(): Promise<void> {
    return this.metrics.shutdown();
  }
}

class Reader extends MetricReader {
  protected onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

function sdkTemporality(preference: Temporality) {
  return (type: InstrumentType) =>
    KINDS.some(
      kind =>
        INSTRUMENT_TYPES[snakeCase(kind)] === type && isDelta(kind, preference),
    )
      ? AggregationTemporality.DELTA
      : AggregationTemporality.CUMULATIVE;
}

/** A view, with the limit that makes theirs overflow where ours does. */
function theirView(view: ViewPlan): ViewOptions {
  const { aggregationCardinalityLimit: limit, ...rest } = sdkView(view);
  return {
    ...rest,
    ...(limit !== undefined && {
      aggregationCardinalityLimit: overflowBeginsOneSetEarly(limit),
    }),
  };
}

export class SdkPlayer extends Player {
  private readonly reader: Reader;

  constructor(workload: Workload, temporality: Temporality) {
    const reader = new Reader({
      aggregationTemporalitySelector: sdkTemporality(temporality),
      aggregationSelector: type =>
        type === InstrumentType.HISTOGRAM &&
        workload.histogram === 'exponential'
          ? { type: AggregationType.EXPONENTIAL_HISTOGRAM }
          : { type: AggregationType.DEFAULT },
    });
    const provider = new MeterProvider({
      readers: [reader],
      views: workload.views.map(theirView),
    });
    super(workload, provider);
    this.reader = reader;
  }

  protected give(
    value: unknown,
    attributes: AttributeInput,
    to: (value: number, attributes?: Attributes) => void,
  ) {
    if (!nanPoisonsCounters(value)) {
      const known = oddAttributesThrowOrCollide(attributes);
      to(value as number, attributesAreKeptByReference(known) as Attributes);
    }
  }

  async collect(): Promise<Metrics> {
    const { resourceMetrics, errors } = await this.reader.collect();
    if (errors.length > 0) {
      throw new AggregateError(errors);
    }
    return readSdk(resourceMetrics);
  }

  shutdown(): Promise<void> {
    return this.reader.shutdown();
  }
}
