import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router-dom';
import type { LegendState } from '../chart/useVisibility';
import { valuesOf, withValues } from './addressValues';
import { useTextInAddress } from './useTextInAddress';

/** Series that are hidden, and series that alone are shown, as `panel:labels`. */
const HIDE = 'hide';
const ONLY = 'only';

/** What legends are filtered by, as `panel:text`. */
const FILTER = 'filter';

/**
 * What is chosen in a panel's legend, kept in the page's address. Of the series whichever are fewer,
 * those that are hidden or those that are not.
 */
export function useLegendInAddress(panel: string): LegendState {
  const [parameters, setParameters] = useSearchParams();
  const prefix = `${panel}:`;
  const hide = valuesOf(parameters, HIDE, prefix);
  const only = valuesOf(parameters, ONLY, prefix);
  const { text: filter, onChange: onFilter } = useTextInAddress(FILTER, prefix);
  const kept = JSON.stringify([hide, only]);

  const onHidden = useCallback(
    (hidden: ReadonlySet<string>, all: string[]) => {
      const shown = all.filter(key => !hidden.has(key));
      setParameters(
        before => {
          const isOnly = shown.length < hidden.size;
          // Where none is shown, an empty key says so.
          const only = isOnly && shown.length === 0 ? [''] : shown;
          return withValues(
            withValues(before, HIDE, prefix, isOnly ? [] : hidden),
            ONLY,
            prefix,
            isOnly ? only : [],
          );
        },
        // Each click would be a step of the browser's way back.
        { replace: true },
      );
    },
    [setParameters, prefix],
  );

  return useMemo(() => {
    const [hidden, shown] = (JSON.parse(kept) as string[][]).map(
      keys => new Set(keys),
    );
    return {
      isHidden: (key: string) =>
        shown.size > 0 ? !shown.has(key) : hidden.has(key),
      onHidden,
      filter,
      onFilter,
    };
  }, [kept, onHidden, filter, onFilter]);
}
