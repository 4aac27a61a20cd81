import { createExtensionPoint } from '@backstage/backend-plugin-api';
import type { Entity } from '@backstage/catalog-model';
import type { JsonObject } from '@backstage/types';
import type { RequestSigner } from './client';

/** What a chooser may choose from. */
export interface InstanceChoice {
  entity: Entity;
  /** The instance that the entity's annotation names, configured or not, or the default one. */
  preferred: string;
  /** Every configured instance, by name. */
  names: string[];
}

/** An instance that is not in the configuration: keys and values as in `prometheus.instances`. */
export interface InstanceDefinition extends JsonObject {
  name: string;
  url: string;
}

/**
 * Chooses the instance of an entity: one of `names`, or one whose address it computes. `undefined`
 * leaves it at `preferred`. What a client sends has no part in it. An entity that names several
 * instances is asked about once for each.
 */
export type InstanceChooser = (
  choice: InstanceChoice,
) =>
  | string
  | InstanceDefinition
  | undefined
  | Promise<string | InstanceDefinition | undefined>;

/** Where a module sets how instances are chosen, and how requests to them are signed. */
export interface PrometheusInstanceExtensionPoint {
  /** @throws Error the second time */
  setInstanceChooser(chooser: InstanceChooser): void;

  /**
   * For servers that want what the configuration cannot say: the signer is given every request as it
   * will be sent, and adds headers.
   *
   * @throws Error the second time
   */
  setRequestSigner(signer: RequestSigner): void;
}

/** Dynamic choice of the Prometheus instance that serves an entity. */
export const prometheusInstanceExtensionPoint =
  createExtensionPoint<PrometheusInstanceExtensionPoint>({
    id: 'prometheus.instance',
  });
