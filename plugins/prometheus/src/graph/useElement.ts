import { type RefCallback, useEffect, useState } from 'react';

/** Pixels: a window that is dragged wider does not ask anew for each of them. */
const WIDTH_STEP = 100;

export interface ElementState {
  ref: RefCallback<HTMLElement>;
  /** Whether any of it can be seen, or is about to be. */
  isVisible: boolean;
  /** Pixels, up to the next hundred; 0 before it is laid out. */
  width: number;
}

/** Watches where an element is and how wide. */
export function useElement(): ElementState {
  const [element, setElement] = useState<HTMLElement | null>(null);
  const [isVisible, setVisible] = useState(false);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!element) {
      return undefined;
    }
    const seen = new IntersectionObserver(
      entries => setVisible(entries.at(-1)?.isIntersecting ?? false),
      { rootMargin: '200px' },
    );
    const sized = new ResizeObserver(entries => {
      const { width: pixels = 0 } = entries.at(-1)?.contentRect ?? {};
      setWidth(Math.ceil(pixels / WIDTH_STEP) * WIDTH_STEP);
    });
    seen.observe(element);
    sized.observe(element);
    return () => {
      seen.disconnect();
      sized.disconnect();
    };
  }, [element]);
  return { ref: setElement, isVisible, width };
}
