import { quote } from './strings';

/** One condition on a label, as it stands in a selector's braces. */
export interface LabelMatcher {
  label: string;
  op: '=' | '!=' | '=~' | '!~';
  /** For `=~` and `!~` an RE2 expression that has to match the whole value. */
  value: string;
}

const PLAIN_NAME = /^[A-Za-z_]\w*$/;

/** As PromQL writes it. Names that are not plain are quoted, which Prometheus 3 reads. */
export function formatMatcher({ label, op, value }: LabelMatcher): string {
  const name = PLAIN_NAME.test(label) ? label : quote(label);
  return `${name}${op}${quote(value)}`;
}
