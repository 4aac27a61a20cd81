import type { Binding } from '../addon/native';

/** The native addon, or why there is none. */
export type Addon =
  | { binding: Binding; failure?: undefined }
  | { binding?: undefined; failure: AddonTrouble };

/** What is wrong, and what to do about it where that is known. */
export interface AddonTrouble {
  message: string;
  advice?: string;
}

/** Loads it only now: where it, or what it is loaded with, is missing the doctor still runs. */
export async function loadAddon(): Promise<Addon> {
  try {
    const { loadBinding, loadFailure } = await import('../addon/native.js');
    const binding = loadBinding();
    if (binding) {
      return { binding };
    }
    const { explainMissing } = await import('../addon/addonMissing.js');
    const { message, cause } = loadFailure()!;
    return { failure: { message, advice: explainMissing(cause).advice } };
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    return {
      failure: { message: `@nativestage/metrics cannot be loaded: ${reason}` },
    };
  }
}
