import Paper from '@material-ui/core/Paper';
import { type ReactNode, useCallback, useMemo, useState } from 'react';
import { OutagesContext } from './OutagesContext';
import type { Problem } from './problemOf';
import { OutageMessage } from './OutageMessage';
import { keyOf, sharedProblems } from './sharedProblems';
import { useProblem } from './useOutage';

export interface OutagesProps {
  onRetry: () => void;
  /** Whether it stands in a card of its own already. */
  isInCard?: boolean;
  children: ReactNode;
}

/** Says once, above its parts, what several of them would say. */
export function Outages({ onRetry, isInCard, children }: OutagesProps) {
  const [reports, setReports] = useState<ReadonlyMap<string, Problem>>(
    new Map(),
  );
  const report = useCallback((part: string, problem?: Problem) => {
    setReports(known => {
      const next = new Map(known);
      if (problem) {
        next.set(part, problem);
      } else {
        next.delete(part);
      }
      return next;
    });
  }, []);
  const shared = useMemo(() => sharedProblems(reports.values()), [reports]);
  const value = useMemo(
    () => ({ report, said: new Set(shared.map(keyOf)) }),
    [report, shared],
  );
  return (
    <>
      {shared.map(problem => (
        <Paper
          key={keyOf(problem)}
          data-testid="prometheus-outage"
          elevation={isInCard ? 0 : undefined}
          style={isInCard ? undefined : { marginBottom: 24 }}
        >
          <SharedProblem problem={problem} onRetry={onRetry} />
        </Paper>
      ))}
      <OutagesContext.Provider value={value}>
        {children}
      </OutagesContext.Provider>
    </>
  );
}

/** Other cards of the page may have it, too. */
function SharedProblem(props: { problem: Problem; onRetry: () => void }) {
  return <OutageMessage {...useProblem(props.problem, props.onRetry)} />;
}
