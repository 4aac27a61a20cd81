import { createContext } from 'react';
import type { Problem } from './problemOf';

export interface OutagesValue {
  /** Says what a part of the page has; nothing takes it back. */
  report: (part: string, problem?: Problem) => void;
  /** Keys of what the banners say. */
  said: ReadonlySet<string>;
}

export const OutagesContext = createContext<OutagesValue | undefined>(
  undefined,
);
