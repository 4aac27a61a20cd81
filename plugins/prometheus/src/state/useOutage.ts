import { useContext, useLayoutEffect, useMemo, useState } from 'react';
import { useLatest } from '../chart/useLatest';
import { useUniqueId } from '../chart/useUniqueId';
import { OutagesContext } from './OutagesContext';
import { PageOutages } from './PageOutages';
import { type Problem, problemOf } from './problemOf';
import { keyOf } from './sharedProblems';

/** Of cards that no page of ours is above. */
const page = new PageOutages();

export interface OutageState {
  problem: Problem;
  /** Where it is said, if not here. */
  saidBy?: 'banner' | 'card';
  /** Tries again whatever on the page has the same. */
  onRetry?: () => void;
}

/** What is wrong in a part of a page, and whether another part says it already. */
export function useOutage(error: Error, onRetry?: () => void): OutageState {
  return useProblem(
    useMemo(() => problemOf(error), [error]),
    onRetry,
  );
}

/** As {@link useOutage}, of what is known to be a problem. */
export function useProblem(
  problem: Problem,
  onRetry?: () => void,
): OutageState {
  const part = useUniqueId();
  const outages = useContext(OutagesContext);
  const report = outages?.report;
  const latest = useLatest(onRetry);
  const canRetry = onRetry !== undefined;
  useLayoutEffect(() => {
    if (report) {
      report(part, problem);
    } else {
      const retry = canRetry ? () => latest.current?.() : undefined;
      page.report(part, { problem, onRetry: retry });
    }
  }, [report, part, problem, canRetry, latest]);
  // Whoever says it goes on to do so when it fails again.
  useLayoutEffect(
    () => () => (report ? report(part) : page.report(part)),
    [report, part],
  );
  const sayer = useSayer(problem);
  if (outages) {
    const isSaid = outages.said.has(keyOf(problem));
    return { problem, onRetry, saidBy: isSaid ? 'banner' : undefined };
  }
  return {
    problem,
    onRetry: onRetry && (() => page.retry(problem)),
    saidBy: sayer === undefined || sayer === part ? undefined : 'card',
  };
}

function useSayer(problem: Problem): string | undefined {
  const [sayer, setSayer] = useState(() => page.sayerOf(problem));
  useLayoutEffect(() => {
    const read = () => setSayer(page.sayerOf(problem));
    read();
    return page.subscribe(read);
  }, [problem]);
  return sayer;
}
