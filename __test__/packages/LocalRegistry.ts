import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { TestContext } from 'node:test';

interface PublishedManifest {
  name: string;
  version: string;
  optionalDependencies?: Record<string, string>;
}

/** An npm registry that has the tarballs of a folder and nothing else. */
export class LocalRegistry {
  private constructor(
    private readonly server: Server,
    readonly manifests: readonly PublishedManifest[],
  ) {}

  /** Ends with the test. */
  static async of(
    t: Pick<TestContext, 'after'>,
    folder: string,
  ): Promise<LocalRegistry> {
    const tarballs = readdirSync(folder).sort();
    const manifests = tarballs.map(file => manifestOf(path.join(folder, file)));
    const server = createServer((request, response) => {
      const { pathname } = new URL(
        request.url!,
        `http://${request.headers.host}`,
      );
      const wanted = decodeURIComponent(pathname.slice(1));
      if (tarballs.includes(wanted)) {
        response.end(readFileSync(path.join(folder, wanted)));
        return;
      }
      const index = manifests.findIndex(({ name }) => name === wanted);
      if (index < 0) {
        response.writeHead(404).end('{}');
        return;
      }
      const tarball = `http://${request.headers.host}/${tarballs[index]}`;
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify(
          toPackument(
            manifests[index],
            tarball,
            readFileSync(path.join(folder, tarballs[index])),
          ),
        ),
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    return new LocalRegistry(server, manifests);
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/`;
  }
}

function manifestOf(tarball: string): PublishedManifest {
  return JSON.parse(
    execFileSync('tar', ['xzOf', tarball, 'package/package.json'], {
      encoding: 'utf8',
    }),
  ) as PublishedManifest;
}

/** What a registry says of a package that has one version. */
function toPackument(
  manifest: PublishedManifest,
  tarball: string,
  content: Buffer,
): object {
  const integrity = `sha512-${createHash('sha512').update(content).digest('base64')}`;
  return {
    name: manifest.name,
    'dist-tags': { latest: manifest.version },
    versions: {
      [manifest.version]: { ...manifest, dist: { tarball, integrity } },
    },
  };
}
