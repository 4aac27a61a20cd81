import { type RefObject, useEffect, useState } from 'react';
import { useWidth } from '../chart/useWidth';

/** Pixels: a window that is dragged wider does not ask anew for each of them. */
const WIDTH_STEP = 100;

/** What is about to be seen counts as seen: within the page, and within what scrolls in it. */
const NEARLY: IntersectionObserverInit & { scrollMargin: string } = {
  rootMargin: '200px',
  scrollMargin: '200px',
};

export interface ElementState {
  ref: RefObject<HTMLDivElement>;
  /** Whether any of it can be seen, or is about to be. */
  isVisible: boolean;
  /** Pixels, up to the next hundred; 0 before it is laid out. */
  width: number;
}

/** Watches where an element is and how wide. */
export function useElement(): ElementState {
  const [ref, pixels] = useWidth<HTMLDivElement>();
  const [isVisible, setVisible] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver(
      entries => setVisible(entries.at(-1)?.isIntersecting ?? false),
      NEARLY,
    );
    if (ref.current) {
      observer.observe(ref.current);
    }
    return () => observer.disconnect();
  }, [ref]);
  const width = Math.ceil(pixels / WIDTH_STEP) * WIDTH_STEP;
  return { ref, isVisible, width };
}
