import type { App } from './App';
import { CHECKS } from './checks';
import type { Finding } from './Finding';

/** Runs every check, one after the other; one that fails costs no other. */
export async function diagnose(app: App): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { looksAt, run } of CHECKS) {
    try {
      findings.push(...(await run(app)));
    } catch (error) {
      findings.push({
        check: 'readable',
        severity: 'warning',
        message: `the check of ${looksAt} failed and was left out: ${error instanceof Error ? error.message : String(error)}.`,
        fix: 'Mend what the message names, if it is of the app; else report it as a fault of the doctor.',
      });
    }
  }
  return findings;
}
