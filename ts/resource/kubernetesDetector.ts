import type { ResourceDetector } from '@opentelemetry/resources';

/**
 * What the downward API writes into variables, by the names that manifests give them. The last of each
 * row are of anybody's, and count only within a cluster.
 */
const VARIABLES: Record<string, { own: string[]; general?: string[] }> = {
  'k8s.cluster.name': { own: ['K8S_CLUSTER_NAME'] },
  'k8s.namespace.name': {
    own: ['K8S_NAMESPACE_NAME', 'K8S_NAMESPACE', 'K8S_POD_NAMESPACE'],
    general: ['POD_NAMESPACE'],
  },
  'k8s.node.name': {
    own: ['K8S_NODE_NAME', 'OTEL_RESOURCE_ATTRIBUTES_NODE_NAME'],
    general: ['NODE_NAME'],
  },
  'k8s.pod.name': {
    own: ['K8S_POD_NAME', 'OTEL_RESOURCE_ATTRIBUTES_POD_NAME'],
    general: ['POD_NAME'],
  },
  'k8s.pod.uid': {
    own: ['K8S_POD_UID', 'OTEL_RESOURCE_ATTRIBUTES_POD_UID'],
    general: ['POD_UID'],
  },
  'k8s.pod.ip': { own: ['K8S_POD_IP'], general: ['POD_IP'] },
  'k8s.container.name': { own: ['K8S_CONTAINER_NAME'] },
  'k8s.deployment.name': { own: ['K8S_DEPLOYMENT_NAME'] },
};

/** Reads the variables that a manifest fills by Kubernetes' downward API. */
export const kubernetesDetector: ResourceDetector = {
  detect() {
    const { env } = process;
    const isInCluster = Boolean(env.KUBERNETES_SERVICE_HOST);
    const attributes: Record<string, string> = {};
    for (const [key, { own, general = [] }] of Object.entries(VARIABLES)) {
      const names = isInCluster ? [...own, ...general] : own;
      const value = names
        .map(name => env[name]?.trim())
        .find(found => found !== undefined && found !== '');
      if (value !== undefined) {
        attributes[key] = value;
      }
    }
    return { attributes };
  },
};
