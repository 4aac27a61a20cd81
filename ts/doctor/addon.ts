import type { Binding } from '../native';

/** The native addon, or why there is none. */
export type Addon =
  | { binding: Binding; failure?: undefined }
  | { binding?: undefined; failure: string };

/** Loads it only now: where it, or what it is loaded with, is missing the doctor still runs. */
export async function loadAddon(): Promise<Addon> {
  try {
    const { loadBinding, loadFailure } = await import('../native.js');
    const binding = loadBinding();
    return binding ? { binding } : { failure: loadFailure()!.message };
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    return { failure: `@nativestage/metrics cannot be loaded: ${reason}` };
  }
}
