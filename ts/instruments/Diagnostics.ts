import { log } from '../common/log';
import { textOf } from '../common/text';
import { LONGEST_KEY } from './attributes';

/** Why something that was recorded does not count. */
export type DropReason =
  'invalid_value' | 'invalid_attribute' | 'truncated_attribute';

/** Counts what is dropped or cut, and says it once per instrument and reason. */
export class Diagnostics {
  private readonly said = new Set<string>();

  constructor(
    /** Adds to `nativestage.metrics.measurements.dropped`. */
    private readonly count: (instrument: string, reason: DropReason) => void,
    /** Adds to `nativestage.metrics.exemplar_reservoirs.failed`. */
    private readonly countReservoir: (instrument: string) => void,
  ) {}

  /** A value was dropped. */
  invalidValue(instrument: string, value: unknown, allowed: string): void {
    this.report(
      instrument,
      'invalid_value',
      () => `dropped ${show(value)}, expected ${allowed}`,
    );
  }

  /** An attribute was left out; the value counts without it. */
  invalidAttribute(instrument: string, what: string): void {
    this.report(
      instrument,
      'invalid_attribute',
      () =>
        `left out ${what}, expected a key of 1 to ${LONGEST_KEY} characters and a string, number, boolean or an array of one of these`,
    );
  }

  /** A value counts under an attribute whose end was left out. */
  cutAttribute(instrument: string, what: string, length: number): void {
    this.report(
      instrument,
      'truncated_attribute',
      () =>
        `${what} has more than ${length} characters, the rest is cut off (attributeValueLengthLimit)`,
    );
  }

  /** A reservoir of the program's threw or answered what is none: its series has no exemplars. */
  failedReservoir(instrument: string, problem: string): void {
    this.countReservoir(instrument);
    const topic = `${instrument} reservoir`;
    if (!this.said.has(topic)) {
      this.said.add(topic);
      log(
        'error',
        `an exemplar reservoir of metric "${instrument}" is used no more: ${problem}; said once, further ones are counted in nativestage.metrics.exemplar_reservoirs.failed`,
      );
    }
  }

  private report(
    instrument: string,
    reason: DropReason,
    message: () => string,
  ): void {
    try {
      this.count(instrument, reason);
    } catch (error) {
      log('error', `what is not valid cannot be counted: ${textOf(error)}`);
    }
    const topic = `${instrument} ${reason}`;
    if (!this.said.has(topic)) {
      this.said.add(topic);
      log(
        'warn',
        `metric "${instrument}": ${message()}; said once, further ones are counted in nativestage.metrics.measurements.dropped`,
      );
    }
  }
}

function show(value: unknown): string {
  if (typeof value === 'number') {
    return `the value ${value}`;
  }
  return `a value of type ${typeof value}`;
}
