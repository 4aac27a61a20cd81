import Paper from '@material-ui/core/Paper';
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
} from 'react';
import { useUniqueId } from '../chart/useUniqueId';
import { type Problem, problemOf } from './problemOf';
import { keyOf, sharedProblems } from './sharedProblems';
import { ProblemMessage } from './ProblemMessage';

interface OutagesValue {
  /** Says what a part of the page has; nothing takes it back. */
  report: (part: string, problem?: Problem) => void;
  /** Keys of what the banners say. */
  said: ReadonlySet<string>;
}

const OutagesContext = createContext<OutagesValue | undefined>(undefined);

/** Says once, above a page, what several of its parts would say. */
export function Outages({
  onRetry,
  children,
}: {
  onRetry: () => void;
  children: ReactNode;
}) {
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
    <OutagesContext.Provider value={value}>
      {shared.map(problem => (
        <Paper
          key={keyOf(problem)}
          data-testid="prometheus-outage"
          style={{ marginBottom: 24 }}
        >
          <ProblemMessage problem={problem} onRetry={onRetry} />
        </Paper>
      ))}
      {children}
    </OutagesContext.Provider>
  );
}

/** Whether a banner above says what is wrong here, as it does where others have the same. */
export function useIsSaidAbove(error: Error): boolean {
  const part = useUniqueId();
  const outages = useContext(OutagesContext);
  const report = outages?.report;
  const problem = useMemo(() => problemOf(error), [error]);
  useEffect(() => {
    report?.(part, problem);
    return () => report?.(part);
  }, [report, part, problem]);
  return outages?.said.has(keyOf(problem)) ?? false;
}
