import {
  type Alert,
  type AlertFilter,
  type RuleGroup,
  toAlerts as toCommonAlerts,
} from '@nativestage/backstage-plugin-prometheus-common';
import { publicText } from './upstreamErrors';

/** As the browser has them from a proxy, but the servers' errors say nothing of addresses. */
export function toAlerts(groups: RuleGroup[], filter: AlertFilter): Alert[] {
  return toCommonAlerts(groups, filter).map(({ lastError, ...alert }) => ({
    ...alert,
    ...(lastError && { lastError: publicText(lastError) }),
  }));
}
