import type { ResourceDetector } from '@opentelemetry/resources';
import { kubernetesDetector } from './kubernetesDetector';
import { redactedArguments } from './redactedArguments';

/**
 * OpenTelemetry's packages take longer to load than all of this one: they are loaded only when a
 * detector is wanted.
 */
const packages = {
  resources: () => import('@opentelemetry/resources'),
  container: () => import('@opentelemetry/resource-detector-container'),
};

/** By the names that the native side gives them. */
const detectors: Record<string, () => Promise<ResourceDetector>> = {
  container: async () => (await packages.container()).containerDetector,
  host: async () => (await packages.resources()).hostDetector,
  k8s: () => Promise.resolve(kubernetesDetector),
  os: async () => (await packages.resources()).osDetector,
  process: async () =>
    withoutSecrets((await packages.resources()).processDetector),
};

/** A detector by its name. */
export function loadDetector(name: string): Promise<ResourceDetector> {
  return detectors[name]();
}

/** Arguments of programs are where passwords are found. */
function withoutSecrets(detector: ResourceDetector): ResourceDetector {
  return {
    detect(config) {
      const detected = detector.detect(config);
      const key = 'process.command_args';
      const found = detected.attributes?.[key];
      return Array.isArray(found)
        ? {
            ...detected,
            attributes: {
              ...detected.attributes,
              [key]: redactedArguments(found as string[]),
            },
          }
        : detected;
    },
  };
}
