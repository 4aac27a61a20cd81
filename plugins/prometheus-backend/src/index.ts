/**
 * Serves the panels and alerts of entities from Prometheus, behind Backstage's own permissions. The
 * default export is the plugin: `backend.add(import('@nativestage/backstage-plugin-prometheus-backend'))`.
 *
 * @packageDocumentation
 */
export type { CallerServices } from './callerServices';
export type { OutgoingRequest, RequestSigner, RequestToSign } from './client';
export {
  type InstanceChoice,
  type InstanceChooser,
  type InstanceDefinition,
  prometheusInstanceExtensionPoint,
  type PrometheusInstanceExtensionPoint,
} from './instanceExtensionPoint';
export { prometheusPlugin as default } from './plugin';
export { createRouter, type RouterOptions } from './router';
