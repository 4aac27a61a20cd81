import { log } from '../log';

/** Why something that was recorded does not count. */
export type DropReason = 'invalid_value' | 'invalid_attribute';

/** Counts what is dropped, and says it once per instrument and reason. */
export class Diagnostics {
  private readonly said = new Set<string>();

  constructor(
    /** Adds to `nativestage.metrics.measurements.dropped`. */
    private readonly count: (instrument: string, reason: DropReason) => void,
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
        `left out ${what}, expected a non-empty key and a string, number, boolean or an array of one of these`,
    );
  }

  private report(
    instrument: string,
    reason: DropReason,
    message: () => string,
  ): void {
    this.count(instrument, reason);
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
