import { createExtensionPoint } from '@backstage/backend-plugin-api';
import type { Entity } from '@backstage/catalog-model';

/** What a chooser may choose from. */
export interface InstanceChoice {
  entity: Entity;
  /** The instance that the entity's annotation names, or the default one. */
  preferred: string;
  /** Every configured instance, by name. */
  names: string[];
}

/**
 * Chooses the instance of an entity: one of `names`. `undefined` leaves it at `preferred`. What a
 * client sends has no part in it.
 */
export type InstanceChooser = (
  choice: InstanceChoice,
) => string | undefined | Promise<string | undefined>;

/** Where a module sets how instances are chosen. */
export interface PrometheusInstanceExtensionPoint {
  /** @throws Error the second time */
  setInstanceChooser(chooser: InstanceChooser): void;
}

/** Dynamic choice of the Prometheus instance that serves an entity. */
export const prometheusInstanceExtensionPoint =
  createExtensionPoint<PrometheusInstanceExtensionPoint>({
    id: 'prometheus.instance',
  });
