import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';

/** What an alert has to have: a label with a value, or a word anywhere. */
type Term = { label: string; value: string } | { word: string };

const VALUE = String.raw`"(?:[^"\\]|\\.)*"|[^\s"]\S*`;

/** `team: a`, `team=a`, `team="a b"`, `"a phrase"` or a word. */
const TERM = new RegExp(
  String.raw`([\w.:/-]*[\w./-])\s*(?::(?=\s)|=)\s*(${VALUE})|([\w.-]+):(${VALUE})|(${VALUE}|\S+)`,
  'gu',
);

/**
 * Whether alerts have all that a search asks for. `team: a` and `team=a` ask for the label `team` with
 * the value `a`; while no alert has that value, for one that begins so. Any other word may stand
 * anywhere, also one behind the name of a label that no alert has.
 */
export function searchAlerts(
  alerts: Alert[],
  search: string,
): (alert: Alert) => boolean {
  const tests = termsOf(search).flatMap(term => testsOf(term, alerts));
  return alert => tests.every(test => test(alert));
}

function termsOf(search: string): Term[] {
  return [...search.toLowerCase().matchAll(TERM)].map(
    ([, label, value, close, closeValue, word]) =>
      word !== undefined
        ? { word: unquoted(word) }
        : {
            label: label ?? close,
            value: unquoted(value ?? closeValue),
          },
  );
}

function testsOf(term: Term, alerts: Alert[]): ((alert: Alert) => boolean)[] {
  if ('word' in term) {
    return [has(term.word)];
  }
  const { label, value } = term;
  const values = alerts.flatMap(alert => valuesOf(alert, label));
  if (values.length === 0) {
    return [has(label), has(value)];
  }
  const isMeant = values.includes(value)
    ? (found: string) => found === value
    : (found: string) => found.startsWith(value);
  return [alert => valuesOf(alert, label).some(isMeant)];
}

function has(word: string): (alert: Alert) => boolean {
  return alert => textOf(alert).includes(word);
}

/** Of a label, whatever the case of its name; the state is searched like one. */
function valuesOf(alert: Alert, name: string): string[] {
  const { state, silenced, labels } = alert;
  const states = silenced ? [state, 'silenced'] : [state];
  return [
    ...(name === 'state' ? states : []),
    ...(name === 'alertname' && !labels.alertname ? [alert.name] : []),
    ...Object.entries(labels)
      .filter(([label]) => label.toLowerCase() === name)
      .map(([, value]) => value),
  ].map(value => value.toLowerCase());
}

function textOf(alert: Alert): string {
  const { name, state, silenced, labels, annotations } = alert;
  return [
    name,
    state,
    silenced ? 'silenced' : '',
    ...Object.entries(labels).map(([label, value]) => `${label}: ${value}`),
    ...Object.values(annotations),
    alert.instance,
    alert.query,
    alert.lastError,
  ]
    .join('\n')
    .toLowerCase();
}

function unquoted(text: string): string {
  return /^".*"$/su.test(text)
    ? text.slice(1, -1).replace(/\\(.)/gsu, '$1')
    : text;
}
