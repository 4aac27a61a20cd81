/** What the tests look at of Kubernetes' resources. */
export type Resource =
  | Workload
  | Service
  | NetworkPolicy
  | PodMonitor
  | PrometheusRule
  | ConfigMap
  | { kind: 'Namespace' | 'PodDisruptionBudget'; metadata: Metadata };

interface Metadata {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
}

interface Selector {
  matchLabels: Record<string, string>;
}

export interface Workload {
  kind: 'Deployment';
  metadata: Metadata;
  spec: {
    replicas: number;
    selector: Selector;
    template: { metadata: Metadata; spec: Pod };
  };
}

export interface Pod {
  terminationGracePeriodSeconds?: number;
  automountServiceAccountToken: boolean;
  securityContext: { runAsNonRoot: boolean; seccompProfile: object };
  containers: Container[];
  volumes: {
    name: string;
    configMap?: { name: string };
    secret?: { secretName: string; items: { key: string; path: string }[] };
  }[];
}

export interface Container {
  image: string;
  env: {
    name: string;
    value?: string;
    valueFrom?: { configMapKeyRef?: { name: string; key: string } };
  }[];
  ports: { name: string; containerPort: number }[];
  readinessProbe: Probe;
  livenessProbe: Probe;
  startupProbe?: Probe;
  volumeMounts: { name: string; mountPath: string }[];
  securityContext: object;
}

interface Probe {
  httpGet: { path: string; port: string };
}

export interface Service {
  kind: 'Service';
  metadata: Metadata;
  spec: {
    selector: Record<string, string>;
    ports: { name: string; port: number; targetPort: string }[];
  };
}

export interface NetworkPolicy {
  kind: 'NetworkPolicy';
  metadata: Metadata;
  spec: {
    podSelector: Selector;
    ingress: { from?: object[]; ports: { port: string }[] }[];
  };
}

export interface PodMonitor {
  kind: 'PodMonitor';
  metadata: Metadata;
  spec: {
    selector: Selector;
    podMetricsEndpoints: {
      port: string;
      authorization: { credentials: { name: string; key: string } };
    }[];
  };
}

export interface PrometheusRule {
  kind: 'PrometheusRule';
  metadata: Metadata;
  spec: { groups: { name: string; rules: object[] }[] };
}

export interface ConfigMap {
  kind: 'ConfigMap';
  metadata: Metadata;
  data: Record<string, string>;
}

/** The resource of a kind that has this name or, as generated ones, begins with it. */
export function resource<K extends Resource['kind']>(
  resources: Resource[],
  kind: K,
  name: string,
): Extract<Resource, { kind: K }> {
  const found = resources.filter(
    (one): one is Extract<Resource, { kind: K }> =>
      one.kind === kind &&
      (one.metadata.name === name || isHashed(one.metadata.name, name)),
  );
  if (found.length !== 1) {
    throw new Error(`${found.length} resources are the ${kind} ${name}`);
  }
  return found[0];
}

/** Whether a name is what kustomize makes of another: a hyphen and ten characters of a hash. */
function isHashed(name: string, original: string): boolean {
  return (
    name.startsWith(`${original}-`) && name.length === original.length + 11
  );
}
