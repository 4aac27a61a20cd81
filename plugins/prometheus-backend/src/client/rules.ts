import type { Rule } from '@nativestage/backstage-plugin-prometheus-common';
import type { ServerTexts } from './ServerTexts';

/** A rule with as much of its texts as may be shown. */
export function toPublicRule(
  rule: Rule,
  title: string,
  texts: Pick<ServerTexts, 'annotation' | 'ruleError'>,
): Rule {
  const { lastError, query } = rule;
  const shown = (annotations: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(annotations).map(([name, text]) => [
        name,
        texts.annotation(text),
      ]),
    );
  return {
    ...rule,
    annotations: shown(rule.annotations),
    alerts: rule.alerts.map(alert => ({
      ...alert,
      annotations: shown(alert.annotations),
    })),
    lastError: lastError && texts.ruleError(title, lastError, query),
  };
}
