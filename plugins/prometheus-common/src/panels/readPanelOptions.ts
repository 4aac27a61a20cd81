import { clip } from '../position';
import { toUnit } from '../units/Unit';
import {
  GRAPH_TYPES,
  type PanelOptions,
  SCALES,
  type Threshold,
  type ValueState,
  WIDTHS,
} from './PanelOptions';

/** Says of a key, such as `thresholds[0].value`, what is wrong with it; it throws. */
export type FailAt = (key: string, problem: string) => never;

type Item = Record<string, unknown>;

/** The keys of {@link PanelOptions}. */
export const PANEL_OPTIONS = [
  'dimension',
  'legend',
  'graphType',
  'unit',
  'scale',
  'width',
  'thresholds',
  'states',
  'exemplars',
];

const THRESHOLD_SEVERITIES = ['warning', 'critical'] as const;
const STATE_SEVERITIES = ['ok', 'warning', 'critical'] as const;

/** Thresholds or states of one panel. */
const MAX_VALUES = 50;

/**
 * Reads how a panel looks from a configuration file or an annotation. Other keys are left alone.
 *
 * @returns what is there, and nothing for what is not
 */
export function readPanelOptions(item: Item, fail: FailAt): PanelOptions {
  const options: PanelOptions = {
    dimension: text(item, 'dimension', fail),
    legend: text(item, 'legend', fail),
    graphType: oneOf(item, 'graphType', GRAPH_TYPES, fail),
    unit: unitOf(item, fail),
    scale: oneOf(item, 'scale', SCALES, fail),
    width: oneOf(item, 'width', WIDTHS, fail),
    thresholds: list(item, 'thresholds', fail, (each, failHere): Threshold => ({
      ...valueOf(each, failHere),
      ...defined({
        severity: oneOf(each, 'severity', THRESHOLD_SEVERITIES, failHere),
      }),
    })),
    states: list(item, 'states', fail, (each, failHere): ValueState => ({
      ...valueOf(each, failHere),
      ...defined({
        severity: oneOf(each, 'severity', STATE_SEVERITIES, failHere),
      }),
    })),
    exemplars: flag(item, 'exemplars', fail),
  };
  if (options.scale === 'log' && options.graphType === 'stacked') {
    fail(
      'scale',
      'found "log", and the layers of a stack have the height of their values only on a linear scale',
    );
  }
  return defined(options);
}

/** A text of a key, if there is any. */
export function text(
  item: Item,
  key: string,
  fail: FailAt,
): string | undefined {
  const found = item[key] ?? undefined;
  if (found === undefined) {
    return undefined;
  }
  return typeof found === 'string' && found.trim() !== ''
    ? found
    : fail(key, `found ${show(found)}, expected a text`);
}

function valueOf(item: Item, fail: FailAt): { value: number; label?: string } {
  const { value } = item;
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    return fail('value', `found ${show(value)}, expected a number`);
  }
  return { value, ...defined({ label: text(item, 'label', fail) }) };
}

function oneOf<T extends string>(
  item: Item,
  key: string,
  allowed: readonly T[],
  fail: FailAt,
): T | undefined {
  const found = item[key] ?? undefined;
  const known = allowed.find(one => one === found);
  return found !== undefined && known === undefined
    ? fail(key, `found ${show(found)}, expected one of ${allowed.join(', ')}`)
    : known;
}

function flag(item: Item, key: string, fail: FailAt): boolean | undefined {
  const found = item[key] ?? undefined;
  return found === undefined || typeof found === 'boolean'
    ? found
    : fail(key, `found ${show(found)}, expected true or false`);
}

function unitOf(item: Item, fail: FailAt) {
  const found = text(item, 'unit', fail);
  const unit = found === undefined ? undefined : toUnit(found);
  return found !== undefined && unit === undefined
    ? fail(
        'unit',
        `found ${show(found)}, expected a unit such as seconds, bytes, ratio or seconds/s`,
      )
    : unit;
}

function list<T>(
  item: Item,
  key: string,
  fail: FailAt,
  read: (each: Item, fail: FailAt) => T,
): T[] | undefined {
  const found = item[key] ?? undefined;
  if (found === undefined) {
    return undefined;
  }
  if (!Array.isArray(found) || found.length > MAX_VALUES) {
    return fail(key, `expected a list of ${MAX_VALUES} at the most`);
  }
  return found.map((each: unknown, index) => {
    const failHere: FailAt = (within, problem) =>
      fail(`${key}[${index}].${within}`, problem);
    return isItem(each)
      ? read(each, failHere)
      : fail(`${key}[${index}]`, `found ${show(each)}, expected a value`);
  });
}

export function isItem(value: unknown): value is Item {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Of a value that an error names: as much as tells which it is. */
function show(value: unknown): string {
  return typeof value === 'string'
    ? `"${clip(value)}"`
    : clip(JSON.stringify(value) ?? 'nothing');
}

function defined<T extends object>(options: T): T {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as T;
}
