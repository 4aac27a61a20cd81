import type { NativeConfigFile } from '../../binding';
import { toJson } from '../common/json';
import type { MetricsOptions } from '../options/options';
import { loadAddon } from './addon';

/** What the addon says of settings; the same code that reads them at start. */
export interface Verdict {
  /** Why a backend with them would not start. */
  error?: string;
  warnings: string[];
}

const PATH = 'backend.metrics';

/**
 * Checks settings together with `OTEL_*` variables, or with the file that takes their place. Opens no
 * port and sends nothing.
 */
export async function validate(
  options: MetricsOptions,
  environment: Record<string, string>,
  file?: NativeConfigFile,
): Promise<Verdict> {
  const { binding } = await loadAddon();
  if (!binding) {
    return { warnings: [] };
  }
  try {
    const json = toJson(options);
    // The service that names metrics refuses what cannot begin a name.
    new binding.NativeRootMetricsService(json, PATH);
    const provider = binding.NativeProvider;
    return { warnings: provider.check(json, PATH, environment, file) };
  } catch (error) {
    return { error: (error as Error).message, warnings: [] };
  }
}
