import type { App } from '../App';
import type { Finding } from '../Finding';
import { MAX_SOURCES } from '../SourceFile';

/** What the other checks could not look at. */
export function readable(app: App): Promise<Finding[]> {
  const findings: Finding[] = app.files.unreadable.map(({ file, reason }) => ({
    check: 'readable',
    severity: 'warning',
    message: `${file} cannot be read (${reason}); what it says was left out of all checks.`,
    file,
    fix: 'Mend the file or its permissions, then run the doctor again.',
  }));
  if (app.isPlugAndPlay) {
    findings.push({
      check: 'readable',
      severity: 'note',
      message:
        "the app uses Yarn's Plug'n'Play: there are no installed packages to look at, and the checks of dependencies were left out.",
      file: '.pnp.cjs',
      fix: 'Run `yarn why @opentelemetry/api` and `yarn why @nativestage/metrics`: each should be there in one version.',
    });
  }
  if (app.backends.length === 0) {
    findings.push({
      check: 'readable',
      severity: 'warning',
      message:
        'no package of the app has `"backstage": { "role": "backend" }`: the checks of its code were left out.',
      file: 'package.json',
      fix: "Run the doctor in the app's root, or give the backend's package.json that role.",
    });
  }
  for (const { name, sources } of app.packages) {
    if (sources.length >= MAX_SOURCES) {
      findings.push({
        check: 'readable',
        severity: 'note',
        message: `${name} has more than ${MAX_SOURCES} source files; only the first were looked at.`,
        fix: 'Nothing, if generated code is among them.',
      });
    }
  }
  return Promise.resolve(findings);
}
