import { toError } from '@backstage/errors';
import type {
  AlertsResult,
  InstanceAlerts,
  PanelSummary,
} from '@nativestage/backstage-plugin-prometheus-common';

/** A graph of an entity that has several instances, or a page could not tell them apart. */
export function onInstance(
  panel: PanelSummary,
  { name, uiUrl }: { name: string; uiUrl?: string },
): PanelSummary {
  return { ...panel, id: `${panel.id}.${name}`, instance: name, uiUrl };
}

/** The alerts of an instance, or why it has not said them. */
export async function settled<T extends { name: string }>(
  instance: T,
  ask: (instance: T) => Promise<AlertsResult>,
): Promise<InstanceAlerts> {
  const { name } = instance;
  return ask(instance).then(
    result => ({ instance: name, result }),
    (error: unknown) => ({ instance: name, error: toError(error) }),
  );
}
