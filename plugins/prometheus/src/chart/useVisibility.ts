import type { RangeResult } from '@nativestage/backstage-plugin-prometheus-common';
import { useCallback, useMemo, useState } from 'react';
import { useStable } from '../state/useStable';
import { identify } from './labels';

/** Which series are hidden, by their labels as PromQL has them; kept by whoever shows the chart. */
export interface HiddenSeries {
  hidden: ReadonlySet<string>;
  /** @param all - the labels of every series there is */
  onHidden: (hidden: ReadonlySet<string>, all: string[]) => void;
}

/** Which series are drawn, by their labels: a refresh may bring them in other places. */
export function useVisibility(
  { series }: Pick<RangeResult, 'series'>,
  kept?: HiddenSeries,
) {
  const keys = useStable(useMemo(() => identify(series), [series]));
  const [own, setOwn] = useState<ReadonlySet<string>>(new Set<string>());
  const hidden = kept?.hidden ?? own;
  const onHidden = kept?.onHidden;
  const change = useCallback(
    (next: ReadonlySet<string>) =>
      onHidden ? onHidden(next, keys) : setOwn(next),
    [onHidden, keys],
  );

  const isShown = useCallback(
    (index: number) => !hidden.has(keys[index]),
    [hidden, keys],
  );
  const toggle = useCallback(
    (index: number) => {
      const after = new Set(hidden);
      if (!after.delete(keys[index])) {
        after.add(keys[index]);
      }
      change(after);
    },
    [hidden, keys, change],
  );
  const isolate = useCallback(
    (index: number) => {
      const others = keys.filter(key => key !== keys[index]);
      const isAlone =
        !hidden.has(keys[index]) && others.every(key => hidden.has(key));
      change(new Set(isAlone ? [] : others));
    },
    [hidden, keys, change],
  );
  const showAll = useCallback(() => change(new Set()), [change]);
  return { isShown, toggle, isolate, showAll };
}
