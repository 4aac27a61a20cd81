/** A `problem` loses metrics or keeps them from being served; a `note` asks for nothing at once. */
export type Severity = 'problem' | 'warning' | 'note';

/** What a check found, and what to do about it. */
export interface Finding {
  check: string;
  severity: Severity;
  message: string;
  /** Relative to the app's root; with the line where there is one. */
  file?: string;
  /** The command to run or the lines to change. */
  fix: string;
}
