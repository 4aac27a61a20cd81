import type { RangeSeries } from '@nativestage/backstage-plugin-prometheus-common';

/** What the outcome of a request or a task means for whoever waits for it. */
export type StatusClass =
  'neutral' | 'success' | 'notice' | 'warning' | 'error';

/** As in {@link PALETTES}, each has a contrast of 3 and more to its paper. */
export const STATUS_COLORS: Record<
  'light' | 'dark',
  Record<StatusClass, string>
> = {
  light: {
    neutral: '#767676',
    success: '#2f9e44',
    notice: '#1c5fc4',
    warning: '#c77700',
    error: '#b00020',
  },
  dark: {
    neutral: '#bdbdbd',
    success: '#93ec96',
    notice: '#7cb8ff',
    warning: '#ffc46b',
    error: '#ff6f68',
  },
};

const HTTP: Record<string, StatusClass> = {
  1: 'neutral',
  2: 'success',
  3: 'notice',
  4: 'warning',
  5: 'error',
};

const WORDS: Record<string, StatusClass> = {
  ok: 'success',
  success: 'success',
  succeeded: 'success',
  cancelled: 'warning',
  canceled: 'warning',
  warn: 'warning',
  warning: 'warning',
  error: 'error',
  fail: 'error',
  failed: 'error',
  failure: 'error',
};

/** Labels that say how something ended. */
const LABEL =
  /^(?:(?:http_)?(?:response_)?(?:status|code)(?:_code|_class)?|class|outcome|result)$/;

/**
 * What the series of a graph mean where one label says it of all of them: classes of HTTP statuses
 * (`500` and `5xx`), and words such as `success` and `failed`.
 *
 * @param dimension the label that names the series, whatever it is called
 * @returns `undefined` where a series has none, or one that means something else
 */
export function statusClasses(
  series: Pick<RangeSeries, 'labels'>[],
  dimension?: string,
): StatusClass[] | undefined {
  const names = Object.keys(series[0]?.labels ?? {}).filter(
    name => name === dimension || LABEL.test(name),
  );
  for (const name of names) {
    const classes = series.map(({ labels }) => classOf(labels[name] ?? ''));
    if (classes.every(each => each !== undefined)) {
      return classes;
    }
  }
  return undefined;
}

function classOf(value: string): StatusClass | undefined {
  const [, digit] = /^([1-5])(?:\d\d|xx)$/i.exec(value) ?? [];
  const word = value.toLowerCase();
  return digit
    ? HTTP[digit]
    : Object.hasOwn(WORDS, word)
      ? WORDS[word]
      : undefined;
}
