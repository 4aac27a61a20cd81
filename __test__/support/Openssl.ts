import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

/** A certificate and its key, and the PEM files that they are in. */
export interface Identity {
  cert: Buffer;
  key: Buffer;
  file: string;
  keyFile: string;
}

interface Wanted {
  /** Arguments of `openssl genpkey`. */
  key?: string;
  /** The common name. */
  name?: string;
  /** Lines of an extensions section. */
  extensions?: string[];
}

const P256 = '-algorithm EC -pkeyopt ec_paramgen_curve:P-256';

/** A folder of keys and certificates that the openssl command makes. It goes with the test. */
export class Openssl {
  private files = 0;

  private constructor(private readonly folder: string) {}

  static create(t: Pick<TestContext, 'after'>): Openssl {
    const folder = mkdtempSync(path.join(tmpdir(), 'metrics-openssl-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    return new Openssl(folder);
  }

  run(...args: string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  /** A path in the folder, with this content if there is one. */
  file(content?: string | Buffer): string {
    const file = path.join(this.folder, `${this.files++}.pem`);
    if (content !== undefined) {
      writeFileSync(file, content);
    }
    return file;
  }

  key(kind = P256): string {
    const file = this.file();
    this.run('genpkey', ...kind.split(' '), '-out', file);
    return file;
  }

  /** As `openssl req -x509` makes it: unless told otherwise, an authority's. */
  selfSigned(
    { key, name = 'localhost', extensions = [] }: Wanted = {},
    keyFile = this.key(key),
  ): Identity {
    const file = this.file();
    this.run(
      ...['req', '-x509', '-key', keyFile, '-days', '2', '-out', file],
      ...['-subj', name === '' ? '/O=nobody' : `/CN=${name}`],
      ...extensions.flatMap(line => ['-addext', line]),
    );
    return identity(file, keyFile);
  }

  /** Signed by an authority, or by itself. */
  issue(
    by: Identity | undefined,
    {
      key,
      name = 'localhost',
      extensions = [],
      days = 2,
    }: Wanted & {
      days?: number;
    } = {},
  ): Identity {
    const keyFile = this.key(key);
    const [request, file] = [this.file(), this.file()];
    this.run(
      ...['req', '-new', '-key', keyFile, '-out', request],
      ...['-subj', `/CN=${name}`],
    );
    this.run(
      ...['x509', '-req', '-in', request, '-days', String(days)],
      ...['-out', file, '-extfile', this.file(extensions.join('\n'))],
      ...(by
        ? ['-CA', by.file, '-CAkey', by.keyFile, '-CAcreateserial']
        : ['-signkey', keyFile]),
    );
    return identity(file, keyFile);
  }
}

function identity(file: string, keyFile: string): Identity {
  return {
    cert: readFileSync(file),
    key: readFileSync(keyFile),
    file,
    keyFile,
  };
}
