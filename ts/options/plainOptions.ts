import { MetricsError } from '../common/errors';
import { toJson } from '../common/json';
import type { ExemplarReservoirFactory } from './exemplarReservoir';
import type {
  MeterConfigurator,
  MetricFilter,
  MetricsOptions,
  MetricsUpdate,
} from './options';
import { isResource, type Resource, settingsOf } from './Resource';
import { messageOf } from '../common/text';

/**
 * Options as plain data, read once: plain JavaScript may pass anything. What they say is the native
 * side's to check.
 *
 * @param path - Where they stand, for the error message.
 * @param functions - Gets the metric filters and makers of reservoirs that are functions. In their place
 * the options have `{ [FUNCTION]: index }`; without it they are refused.
 * @throws MetricsError `ERR_METRICS_INVALID_CONFIG`
 */
export function plainOptions(
  options: unknown,
  path: string,
  functions?: OptionFunctions,
): MetricsOptions {
  let plain: unknown;
  const replacer = (key: string, value: unknown) => {
    if (functions && key === 'metricFilter' && isFunctions(value)) {
      return { [FUNCTION]: functions.filters.push(value) - 1 };
    }
    if (functions && key === 'exemplar_reservoir' && isMaker(value)) {
      return { [FUNCTION]: functions.reservoirs.push(value) - 1 };
    }
    return plainValue(key, value);
  };
  try {
    // `null` where JSON has nothing to say, as of a function.
    plain = JSON.parse(toJson(withSettings(options), replacer) ?? 'null');
  } catch (error) {
    throw new MetricsError(
      'ERR_METRICS_INVALID_CONFIG',
      `${path}: expected plain settings, which cannot be read: ${messageOf(error)}`,
      { cause: error },
    );
  }
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
    const found = options === null ? 'null' : typeof options;
    throw new MetricsError(
      'ERR_METRICS_INVALID_CONFIG',
      `${path}: found ${Array.isArray(plain) ? 'a list' : found}, expected a map of settings`,
    );
  }
  return plain;
}

/** No key that a file could have. */
const FUNCTION = '\0function';

/** The functions that stand among options. */
export interface OptionFunctions {
  filters: MetricFilter[];
  reservoirs: ExemplarReservoirFactory[];
}

/** What may have a filter of its own. */
interface Filtered {
  metricFilter?: unknown;
}

/**
 * Takes the metric filter that is a function out of the options of a reader.
 *
 * @returns its index among the filters of {@link plainOptions}
 */
export function takeFilter(options: unknown): number | undefined {
  const { metricFilter } = (options ?? {}) as Filtered;
  const index = functionAt(metricFilter);
  if (index !== undefined) {
    delete (options as Filtered).metricFilter;
  }
  return index;
}

/** Which function stands here, if one does. */
function functionAt(value: unknown): number | undefined {
  return (value as { [FUNCTION]?: number } | undefined)?.[FUNCTION];
}

/** A function that makes the reservoirs of a view, by the view's place. */
export interface ViewReservoir {
  view: number;
  make: ExemplarReservoirFactory;
}

/** Takes the functions that make reservoirs out of views. */
function takeReservoirs(
  views: unknown,
  found: ExemplarReservoirFactory[],
): ViewReservoir[] {
  const taken: ViewReservoir[] = [];
  (Array.isArray(views) ? views : []).forEach((view, at) => {
    const { stream } = (view ?? {}) as { stream?: Record<string, unknown> };
    const index = functionAt(stream?.exemplar_reservoir);
    if (index !== undefined) {
      delete stream!.exemplar_reservoir;
      taken.push({ view: at, make: found[index] });
    }
  });
  return taken;
}

/** A metric filter that is a function, and the exporter that it is for: of OTLP one of several. */
export interface ExporterFilter {
  exporter: 'prometheus' | 'otlp' | 'console';
  index: number;
  filter: MetricFilter;
}

/** The options of a provider: what is data, and what is functions. */
export interface ReadOptions {
  plain: MetricsOptions;
  filters: ExporterFilter[];
  reservoirs: ViewReservoir[];
  configurator: MeterConfigurator | undefined;
}

/**
 * Options of a provider as {@link plainOptions} has them, without their functions.
 *
 * @throws MetricsError as there
 */
export function readOptions(
  options: MetricsOptions,
  path: string,
): ReadOptions {
  const found: OptionFunctions = { filters: [], reservoirs: [] };
  const { rest, configurator } = takeMeterConfigurator(options);
  const plain = plainOptions(rest, path, found);
  const { prometheus, otlp, console } = plain.exporters ?? {};
  const filters: ExporterFilter[] = [];
  const take = (
    exporter: ExporterFilter['exporter'],
    index: number,
    section: unknown,
  ) => {
    const at = takeFilter(section);
    if (at !== undefined) {
      filters.push({ exporter, index, filter: found.filters[at] });
    }
  };
  take('prometheus', 0, prometheus);
  take('console', 0, console);
  (Array.isArray(otlp) ? otlp : [otlp]).forEach((section, index) =>
    take('otlp', index, section),
  );
  const reservoirs = takeReservoirs(plain.views, found.reservoirs);
  return { plain, filters, reservoirs, configurator };
}

/** Refuses what is made in its place. */
function isMaker(value: unknown): value is ExemplarReservoirFactory {
  const { offer } = (value ?? {}) as { offer?: unknown };
  if (typeof value !== 'function' && typeof offer === 'function') {
    throw new TypeError(
      'exemplar_reservoir is a reservoir, expected a function that makes one for each series',
    );
  }
  return typeof value === 'function';
}

function isFunctions(value: unknown): value is MetricFilter {
  const { testMetric, testAttributes } = (value ?? {}) as Record<
    keyof MetricFilter,
    unknown
  >;
  return (
    typeof testMetric === 'function' || typeof testAttributes === 'function'
  );
}

/** The meter configurator that is a function, and the options without it. */
export function takeMeterConfigurator<
  T extends Pick<MetricsOptions, 'meterConfigurator'> | MetricsUpdate,
>(options: T): { rest: T; configurator: MeterConfigurator | undefined } {
  let configurator: unknown;
  try {
    configurator = options?.meterConfigurator;
  } catch {
    // Whoever reads all of the options says so.
    return { rest: options, configurator: undefined };
  }
  return typeof configurator === 'function'
    ? {
        rest: { ...options, meterConfigurator: undefined },
        configurator: configurator as MeterConfigurator,
      }
    : { rest: options, configurator: undefined };
}

/** The resource that a program passed as an object. */
export function resourceOf(options: MetricsOptions): Resource | undefined {
  return isResource(options?.resource) ? options.resource : undefined;
}

/** With the settings that such an object stands for in its place. */
function withSettings(options: unknown): unknown {
  const resource = resourceOf(options as MetricsOptions);
  return resource
    ? { ...(options as MetricsOptions), resource: settingsOf(resource) }
    : options;
}

/**
 * For `JSON.stringify`, which leaves functions out and makes `null` of NaN, so that a setting would be
 * lost without a word.
 */
export function plainValue(key: string, value: unknown): unknown {
  switch (typeof value) {
    case 'function':
    case 'symbol':
      throw new TypeError(`${key} is a ${typeof value}`);
    case 'bigint':
      return String(value);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    default:
      return value;
  }
}
