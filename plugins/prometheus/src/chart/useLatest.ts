import { type MutableRefObject, useLayoutEffect, useRef } from 'react';

/** The value of the last render, for listeners that outlive it. */
export function useLatest<T>(value: T): MutableRefObject<T> {
  const ref = useRef(value);
  useLayoutEffect(() => {
    ref.current = value;
  });
  return ref;
}
