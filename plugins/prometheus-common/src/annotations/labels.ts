import { clip } from '../position';
import { unquote } from '../promql/strings';
import { AnnotationError } from './AnnotationError';
import { type Item, readQuoted, splitList } from './list';
import { LABELS_ANNOTATION } from './names';

/** A label that an alert must have. */
export interface AlertLabel {
  label: string;
  value: string;
}

const LABEL_NAME = /^[A-Za-z_]\w*$/;

/**
 * Reads `prometheus.io/labels`: labels and values as `environment=production,service=api`. Space
 * around names and values does not count. A value with a comma stands in double quotes, as does a
 * name that is not plain; an alert has to match them all.
 *
 * @throws AnnotationError for what is no `label=value`, and for too much
 */
export function parseLabels(text: string): AlertLabel[] {
  return splitList(LABELS_ANNOTATION, text, '=').map(item =>
    toLabel(text, item),
  );
}

function toLabel(text: string, item: Item): AlertLabel {
  const match = /^("(?:[^"\\]|\\.)*"|[^=]*)=([^]*)$/.exec(item.text);
  if (!match) {
    throw fail(
      text,
      item.offset,
      `"${clip(item.text)}" has no "=" and no value`,
    );
  }
  const [, left, right] = match;
  const value = right.trimStart();
  const offset = item.offset + item.text.length - value.length;
  if (/^[=~]/.test(value) || left.endsWith('!')) {
    throw fail(text, item.offset, 'labels are compared with "=" only');
  }
  return {
    label: labelName(text, item.offset, left.trim()),
    value: readQuoted(LABELS_ANNOTATION, text, { text: value, offset }),
  };
}

function labelName(text: string, offset: number, written: string): string {
  const name = LABEL_NAME.test(written) ? written : unquote(written);
  if (name === undefined || name === '') {
    throw fail(text, offset, `"${clip(written)}" is not the name of a label`);
  }
  return name;
}

function fail(text: string, offset: number, problem: string): AnnotationError {
  return new AnnotationError(LABELS_ANNOTATION, text, problem, offset);
}
