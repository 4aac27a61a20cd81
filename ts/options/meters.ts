import type { MeterScope } from './metricFilters';
import type { ResourceAttribute } from './resourceOptions';

/** Whether the instruments of a meter do anything. */
export interface MeterConfig {
  /** Default true. A meter that is disabled is one that does nothing. */
  enabled?: boolean;
}

/**
 * Which meters do anything (Metrics SDK specification, "MeterConfigurator", in development). Keys as in
 * OpenTelemetry's declarative configuration (`meter_configurator/development`).
 */
export interface MeterConfiguratorOptions {
  /** Of meters whose name none of `meters` matches. */
  default_config?: MeterConfig;
  /** By name, which may hold `*` and `?`; upper and lower case differ. The first that matches counts. */
  meters?: { name: string; config: MeterConfig }[];
}

/**
 * Says of a meter in code whether it does anything (the same section). It is asked once for each meter,
 * on the thread that configures with it: when that makes the meter, when it configures or updates, and
 * soon after another thread made one, which is enabled until then. Where it throws or returns something
 * else, there is an error in the log and the meter is enabled.
 */
export type MeterConfigurator = (
  scope: MeterScope,
) => MeterConfig | undefined | void;

/** One plugin's meter, or nothing at all. */
export interface PluginMetricsOptions {
  /** What its instrumentation scope is; without a name it is called `backstage-plugin-<id>`. */
  meter?: {
    name?: string;
    version?: string;
    schemaUrl?: string;
    /** Attributes of the scope, with which it is exported. */
    attributes?: Record<string, ResourceAttribute>;
  };
  /** Disables every meter of that name. Default false. */
  disabled?: boolean;
}
