import { useCallback, useEffect, useRef, useState } from 'react';
import { useSearchParams } from 'react-router-dom';
import { valuesOf, withValues } from './addressValues';

/** Milliseconds after the last letter: an address for each would be in the way of who types. */
const PAUSE = 300;

/** A text that is typed, and kept. */
export interface KeptText {
  text: string;
  onChange: (text: string) => void;
}

/**
 * A text that is kept in the page's address once nobody types any more, and read from there when the
 * address becomes another one.
 *
 * @param prefix tells the values of one part of the page from those of others
 */
export function useTextInAddress(name: string, prefix = ''): KeptText {
  const [parameters, setParameters] = useSearchParams();
  const [kept = ''] = valuesOf(parameters, name, prefix);
  const [text, setText] = useState(kept);
  const known = useRef(kept);
  const keep = useCallback(
    (next: string) =>
      setParameters(
        before => withValues(before, name, prefix, next === '' ? [] : [next]),
        // Each word would be a step of the browser's way back.
        { replace: true },
      ),
    [setParameters, name, prefix],
  );
  useEffect(() => {
    if (kept !== known.current) {
      known.current = kept;
      setText(kept);
    }
  }, [kept]);
  useEffect(() => {
    if (text === known.current) {
      return undefined;
    }
    const timer = setTimeout(() => {
      known.current = text;
      keep(text);
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [text, keep]);
  return { text, onChange: setText };
}
