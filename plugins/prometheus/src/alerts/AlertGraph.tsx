import {
  type Alert,
  alertGraphOf,
  formatValue,
  inferUnit,
  type RangeResult,
  type Threshold,
  type TimeRange,
} from '@nativestage/backstage-plugin-prometheus-common';
import { useCallback, useMemo } from 'react';
import type {
  AlertRule,
  RangeQuery,
  RequestOptions,
} from '../api/PrometheusApi';
import { GraphBody } from '../graph/GraphBody';
import { useElement } from '../graph/useElement';
import { useSeries } from '../graph/useSeries';
import { useStable } from '../state/useStable';
import { severityOf } from './severity';
import { useAlertSeries } from './useAlertSeries';

/** How graphs of alerts are asked for. */
export interface AlertGraphs {
  ask: (
    rule: AlertRule,
    range: RangeQuery,
    options: RequestOptions,
  ) => Promise<RangeResult>;
  /** Seconds since 1970; they are asked for again when it changes. */
  now: number;
  onRetry?: () => void;
}

/** Pixels of the plot and its legend. */
const HEIGHT = 280;

/** Seconds that a graph may span: the first that has what was before the alert, too. */
const SPANS = [1, 3, 6, 12, 24].map(hours => hours * 3600);

/** How much of the span the alert takes at the most. */
const SHARE = 2 / 3;

/** What the rule's expression compares, with what it is compared with as lines. */
export function AlertGraph({
  alert,
  graphs,
}: {
  alert: Alert;
  graphs: AlertGraphs;
}) {
  const { ask, now, onRetry } = graphs;
  const { name, ruleId, query: expression = '', instance } = alert;
  const rule = useStable<AlertRule>({
    name,
    ruleId,
    query: expression,
    instance,
  });
  const { query, conditions } = useMemo(
    () => alertGraphOf(expression),
    [expression],
  );
  const askRange = useCallback(
    (range: RangeQuery, options: RequestOptions) => ask(rule, range, options),
    [ask, rule],
  );
  const { ref, isVisible, width } = useElement();
  const range = useRange(alert.activeAt, now);
  const state = useSeries(
    { query, ask: askRange, range, now },
    width,
    isVisible && width > 0,
  );
  const legendState = useAlertSeries(alert, state.data);
  const unit = inferUnit(query) ?? state.data?.unit;
  const severity = severityOf(alert) === 'critical' ? 'critical' : 'warning';
  const thresholds = conditions.map(({ op, value }): Threshold => ({
    value,
    label: `${op} ${formatValue(value, unit)}`,
    severity,
  }));
  return (
    <div ref={ref}>
      <GraphBody
        {...state}
        title={name}
        query={query}
        view="line"
        unit={unit}
        thresholds={thresholds}
        hasAllThresholds
        legendState={legendState}
        height={HEIGHT}
        isVisible={isVisible}
        onRetry={onRetry}
      />
    </div>
  );
}

function useRange(activeAt: string | undefined, now: number): TimeRange {
  return useMemo(() => {
    const since = now - Date.parse(activeAt ?? '') / 1000;
    const span = SPANS.find(each => !(since > SHARE * each)) ?? SPANS.at(-1)!;
    return { start: now - span, end: now };
  }, [activeAt, now]);
}
