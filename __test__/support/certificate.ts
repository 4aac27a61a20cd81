import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

/** For the `skip` of tests that make certificates. */
export function withoutOpenssl(): string | false {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'openssl is not installed';
  }
}

/** A certificate for localhost that vouches for itself, and the files that it and its key are in. */
export function certificate(t: TestContext) {
  const directory = mkdtempSync(path.join(tmpdir(), 'metrics-tls-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const [keyFile, file] = ['key.pem', 'cert.pem'].map(name =>
    path.join(directory, name),
  );
  execFileSync(
    'openssl',
    [
      ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'.split(
        ' ',
      ),
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ...['-addext', 'basicConstraints=critical,CA:FALSE'],
      ...['-keyout', keyFile, '-out', file],
    ],
    { stdio: 'ignore' },
  );
  return {
    key: readFileSync(keyFile),
    cert: readFileSync(file),
    file,
    keyFile,
  };
}
