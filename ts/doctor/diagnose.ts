import type { App } from './App';
import { CHECKS } from './checks';
import type { Finding } from './Finding';

/** Runs every check, one after the other. */
export async function diagnose(app: App): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { run } of CHECKS) {
    findings.push(...(await run(app)));
  }
  return findings;
}
