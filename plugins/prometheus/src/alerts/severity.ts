import type { Alert } from '@nativestage/backstage-plugin-prometheus-common';

/** How bad an alert is, by the words that people write into the label `severity`. */
export type Severity = 'critical' | 'warning' | 'info';

const WORDS: Record<Severity, RegExp> = {
  critical:
    /^(?:critical|crit|page|paging|fatal|emergency|alert|error|high|major|disaster|sev-?[01]|p[01])$/i,
  warning: /^(?:warning|warn|ticket|medium|moderate|average|sev-?2|p2)$/i,
  info: /^(?:info|information|informational|notice|low|minor|debug|none|sev-?[3-5]|p[3-5])$/i,
};

const RANKS: Severity[] = ['critical', 'warning', 'info'];

/** `undefined` where the label is missing, or has a word that is none of those. */
export function severityOf({ labels }: Pick<Alert, 'labels'>) {
  const word = (labels.severity ?? labels.priority ?? '').trim();
  return RANKS.find(severity => WORDS[severity].test(word));
}

/** The worst first; what nobody says may be as bad as a warning. */
export function severityRank(alert: Pick<Alert, 'labels'>): number {
  return RANKS.indexOf(severityOf(alert) ?? 'warning');
}
