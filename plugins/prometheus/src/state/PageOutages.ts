import type { Problem } from './problemOf';
import { keyOf } from './sharedProblems';

/** What a part of a page cannot show, and how it is tried again. */
export interface Outage {
  problem: Problem;
  onRetry?: () => void;
}

/**
 * What all cards of a page lack, wherever they stand: nobody is above them who could say it for all.
 * Of those with the same problem one says it.
 */
export class PageOutages {
  private readonly outages = new Map<string, Outage>();
  private readonly listeners = new Set<() => void>();

  /** @param outage - missing when there is none any more */
  report(part: string, outage?: Outage): void {
    if (outage) {
      this.outages.set(part, outage);
    } else {
      this.outages.delete(part);
    }
    this.listeners.forEach(listener => listener());
  }

  /** Which part says it: the first that can be tried again, or the first of all. */
  sayerOf(problem: Problem): string | undefined {
    const all = this.alike(problem);
    const [sayer] = all.find(([, { onRetry }]) => onRetry) ?? all[0] ?? [];
    return sayer;
  }

  /** Tries again whatever has this problem. */
  retry(problem: Problem): void {
    this.alike(problem).forEach(([, { onRetry }]) => onRetry?.());
  }

  /** @returns ends it */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private alike(problem: Problem): [part: string, outage: Outage][] {
    const key = keyOf(problem);
    return [...this.outages].filter(([, one]) => keyOf(one.problem) === key);
  }
}
