import type { RangeResult } from '@nativestage/backstage-plugin-prometheus-common';
import { useCallback, useMemo, useState } from 'react';
import { useStable } from '../state/useStable';
import { identify } from './labels';

/** What is chosen in a legend, kept by whoever shows the chart; series by their labels as PromQL has them. */
export interface LegendState {
  isHidden: (key: string) => boolean;
  /** @param all - the labels of every series there is */
  onHidden: (hidden: ReadonlySet<string>, all: string[]) => void;
  /** What names have to contain; missing where that is the legend's own matter. */
  filter?: string;
  onFilter?: (filter: string) => void;
}

/** Which series are drawn, by their labels: a refresh may bring them in other places. */
export function useVisibility(
  { series }: Pick<RangeResult, 'series'>,
  kept?: LegendState,
) {
  const keys = useStable(useMemo(() => identify(series), [series]));
  const [own, setOwn] = useState<ReadonlySet<string>>(new Set<string>());
  const isOwnHidden = useCallback((key: string) => own.has(key), [own]);
  const isHidden = kept?.isHidden ?? isOwnHidden;
  const onHidden = kept?.onHidden;
  const change = useCallback(
    (next: ReadonlySet<string>) =>
      onHidden ? onHidden(next, keys) : setOwn(next),
    [onHidden, keys],
  );

  const isShown = useCallback(
    (index: number) => !isHidden(keys[index]),
    [isHidden, keys],
  );
  const toggle = useCallback(
    (index: number) => {
      const after = new Set(keys.filter(isHidden));
      if (!after.delete(keys[index])) {
        after.add(keys[index]);
      }
      change(after);
    },
    [isHidden, keys, change],
  );
  const isolate = useCallback(
    (index: number) => {
      const others = keys.filter(key => key !== keys[index]);
      const isAlone = !isHidden(keys[index]) && others.every(isHidden);
      change(new Set(isAlone ? [] : others));
    },
    [isHidden, keys, change],
  );
  const showAll = useCallback(() => change(new Set()), [change]);
  return { isShown, toggle, isolate, showAll };
}
