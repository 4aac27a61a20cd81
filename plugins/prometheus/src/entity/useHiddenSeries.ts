import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router-dom';
import type { HiddenSeries } from '../chart/useVisibility';

/** Series that are hidden, and series that alone are shown, as `panel:labels`. */
const HIDE = 'hide';
const ONLY = 'only';

/**
 * The hidden series of a panel, kept in the page's address: whichever is shorter, those that are
 * hidden or those that are not.
 */
export function useHiddenSeries(panel: string): HiddenSeries {
  const [parameters, setParameters] = useSearchParams();
  const prefix = `${panel}:`;
  const hide = valuesOf(parameters, HIDE, prefix);
  const only = valuesOf(parameters, ONLY, prefix);
  const kept = JSON.stringify([hide, only]);

  const onHidden = useCallback(
    (hidden: ReadonlySet<string>, all: string[]) => {
      const shown = all.filter(key => !hidden.has(key));
      setParameters(
        before => {
          const after = new URLSearchParams(before);
          for (const name of [HIDE, ONLY]) {
            const others = before
              .getAll(name)
              .filter(value => !value.startsWith(prefix));
            after.delete(name);
            others.forEach(value => after.append(name, value));
          }
          if (shown.length === 0) {
            after.append(ONLY, prefix);
          } else if (shown.length < hidden.size) {
            shown.forEach(key => after.append(ONLY, `${prefix}${key}`));
          } else {
            hidden.forEach(key => after.append(HIDE, `${prefix}${key}`));
          }
          return after;
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
    };
  }, [kept, onHidden]);
}

function valuesOf(
  parameters: URLSearchParams,
  name: string,
  prefix: string,
): string[] {
  return parameters
    .getAll(name)
    .filter(value => value.startsWith(prefix))
    .map(value => value.slice(prefix.length));
}
