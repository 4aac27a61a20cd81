import type { AlertState } from '../api';
import type { Rule } from './RuleGroup';

/** The worst first; what is not known may be as bad as any. */
export const ALERT_STATES: readonly AlertState[] = [
  'firing',
  'unknown',
  'pending',
  'inactive',
];

/** States by the words that servers have for them; Grafana's ruler has its own. */
const WORDS: Record<string, AlertState> = {
  firing: 'firing',
  alerting: 'firing',
  // Grafana's `keep_firing_for`: the condition is over, and the alert is not.
  recovering: 'firing',
  pending: 'pending',
  inactive: 'inactive',
  normal: 'inactive',
};

/** `Normal (NoData)` and `Normal (Error)`: what the state would be if the server knew. */
const RESERVATION = /^(.*?)\s*\((.*)\)$/;

/**
 * What a server's word for a state means. Only what says so for certain is inactive: any other word,
 * and a reservation such as `Normal (Error)`, is unknown.
 */
export function toAlertState(word: string): AlertState {
  const text = word.trim().toLowerCase();
  const [, base = text, reservation] = RESERVATION.exec(text) ?? [];
  const state = Object.hasOwn(WORDS, base) ? WORDS[base] : 'unknown';
  return state === 'inactive' && reservation !== undefined ? 'unknown' : state;
}

/**
 * The state of a rule none of whose alerts is active. It is inactive where its last evaluation went
 * well; a rule that failed, or was never evaluated, may have anything to say.
 */
export function stateOfQuietRule(rule: Rule): AlertState {
  const { health, lastError, isEvaluated, state } = rule;
  const told = state ? toAlertState(state) : 'inactive';
  const isHealthy =
    (health === undefined || /^ok$/i.test(health)) &&
    !lastError &&
    isEvaluated !== false;
  return told === 'inactive' && !isHealthy ? 'unknown' : told;
}
