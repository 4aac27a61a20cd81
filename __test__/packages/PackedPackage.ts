import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const ROOT = path.join(__dirname, '../..');

/** What these tests read of a package.json. */
export interface Manifest {
  name: string;
  version: string;
  description: string;
  license: string;
  backstage: { role: string; pluginId?: string; pluginPackages?: string[] };
  main: string;
  types: string;
  files: string[];
  bin?: Record<string, string>;
  exports?: Record<string, string | Record<string, string>>;
  configSchema?: string;
  engines?: { node: string };
  napi?: { binaryName: string; targets: string[] };
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** A package of this repository as npm packs it. */
export class PackedPackage {
  /** The packages that are published, in the order of their publication. */
  static readonly all = {
    metrics: new PackedPackage('.'),
    common: new PackedPackage('plugins/prometheus-common'),
    backend: new PackedPackage('plugins/prometheus-backend'),
    frontend: new PackedPackage('plugins/prometheus'),
  };

  readonly directory: string;
  readonly manifest: Manifest;
  private packed: { files: string[]; tarball: string } | undefined;

  private constructor(readonly folder: string) {
    this.directory = path.join(ROOT, folder);
    this.manifest = JSON.parse(
      readFileSync(path.join(this.directory, 'package.json'), 'utf8'),
    ) as Manifest;
  }

  /** The packed files, relative to the package. */
  get files(): string[] {
    return this.pack().files;
  }

  /** Where the tarball is. */
  get tarball(): string {
    return this.pack().tarball;
  }

  /** The text of a file of the package. */
  read(file: string): string {
    return readFileSync(path.join(this.directory, file), 'utf8');
  }

  private pack(): { files: string[]; tarball: string } {
    if (!this.packed) {
      const destination = mkdtempSync(path.join(tmpdir(), 'metrics-packed-'));
      const [{ filename, files }] = JSON.parse(
        execFileSync(
          'npm',
          [
            ...['pack', '--json', '--workspaces=false', '--ignore-scripts'],
            ...['--pack-destination', destination],
          ],
          {
            cwd: this.directory,
            encoding: 'utf8',
            stdio: ['ignore', 'pipe', 'ignore'],
          },
        ),
      ) as [{ filename: string; files: Array<{ path: string }> }];
      this.packed = {
        files: files.map(file => file.path),
        tarball: path.join(destination, filename),
      };
    }
    return this.packed;
  }
}
