import type { PanelSummary } from '@nativestage/backstage-plugin-prometheus-common';

/**
 * What stands above a graph: with its instance, where the entity has several.
 *
 * @param title - in place of the panel's own
 */
export function titleOf(panel: PanelSummary, title = panel.title): string {
  return panel.instance === undefined ? title : `${title} · ${panel.instance}`;
}
