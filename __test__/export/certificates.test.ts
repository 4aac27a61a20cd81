import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createSecureServer, type Http2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import {
  createMeterProvider,
  type OtlpExporterOptions,
  setLogger,
} from '@nativestage/metrics/sdk';
import { withoutOpenssl } from '../support/certificate';
import { type Identity, Openssl } from '../support/Openssl';
import { Program } from '../support/Program';

const GRPC = 'application/grpc';
const PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'] as const;
type Tls = NonNullable<OtlpExporterOptions['tls']>;

const quiet = () => {};
setLogger({ debug: quiet, info: quiet, warn: quiet, error: quiet });

/** A server of HTTP/1 and HTTP/2 that takes exports over both. */
class TlsCollector {
  private constructor(
    readonly port: number,
    private readonly served: () => number,
  ) {}

  static async start(
    t: TestContext,
    { cert, key }: Pick<Identity, 'cert' | 'key'>,
    clientsOf?: Identity,
  ): Promise<TlsCollector> {
    let served = 0;
    const sessions = new Set<Http2Session>();
    const server = createSecureServer({
      allowHTTP1: true,
      cert,
      key,
      ...(clientsOf && {
        ca: clientsOf.cert,
        requestCert: true,
        rejectUnauthorized: true,
      }),
    });
    server.on('session', session => {
      sessions.add(session);
      session.on('error', () => {});
    });
    server.on('tlsClientError', () => {});
    server.on('request', (request, response) => {
      served++;
      request.resume().on('end', () => {
        const type = request.headers['content-type'];
        response.writeHead(200, type === GRPC ? { 'content-type': GRPC } : {});
        if (type === GRPC) {
          response.addTrailers({ 'grpc-status': '0' });
        }
        response.end();
      });
    });
    server.listen(0);
    await once(server, 'listening');
    t.after(() => {
      server.close();
      sessions.forEach(session => session.destroy());
    });
    return new TlsCollector(
      (server.address() as AddressInfo).port,
      () => served,
    );
  }

  get requests(): number {
    return this.served();
  }
}

/** Why an export was not taken; `undefined` when it was. */
async function refusal(
  endpoint: string,
  protocol: (typeof PROTOCOLS)[number],
  tls: Tls,
): Promise<string | undefined> {
  const provider = createMeterProvider({
    exporters: {
      prometheus: false,
      otlp: { endpoint, protocol, timeout: 1000, tls },
    },
  });
  provider.getMeter('m').createCounter('c').add(1);
  try {
    await provider.forceFlush();
  } catch (error) {
    // Not awaited: the last export ends as this one did, after as long a time.
    void provider.shutdown().catch(() => {});
    return (error as Error).message;
  }
  await provider.shutdown();
  return undefined;
}

/** What Node itself says of the server. */
async function verdictOfNode(
  host: string,
  port: number,
  ca: Buffer,
): Promise<string | undefined> {
  const servername = /\d$/.test(host) ? '' : host;
  const socket = connect({ host, port, ca, servername });
  try {
    await once(socket, 'secureConnect');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    socket.destroy();
  }
}

interface Case {
  title: string;
  trusted: boolean;
  host?: string;
  /** The server's identity, and the caFile. */
  make: (openssl: Openssl) => { server: Identity; caFile: string };
}

const itself = (server: Identity) => ({ server, caFile: server.file });
const forLocalhost = ['subjectAltName=DNS:localhost'];

const CASES: Case[] = [
  {
    title: 'a self-signed certificate with a common name only',
    trusted: true,
    make: openssl => itself(openssl.selfSigned()),
  },
  ...[
    '-algorithm RSA -pkeyopt rsa_keygen_bits:2048',
    '-algorithm EC -pkeyopt ec_paramgen_curve:P-384',
    '-algorithm ED25519',
  ].map(key => ({
    title: `a self-signed certificate made with ${key}`,
    trusted: true,
    make: (openssl: Openssl) =>
      itself(openssl.selfSigned({ key, extensions: forLocalhost })),
  })),
  {
    title: 'a self-signed certificate with names',
    trusted: true,
    make: openssl => itself(openssl.selfSigned({ extensions: forLocalhost })),
  },
  {
    title: 'a self-signed certificate that is no authority',
    trusted: true,
    make: openssl =>
      itself(
        openssl.selfSigned({
          extensions: ['basicConstraints=critical,CA:FALSE'],
        }),
      ),
  },
  {
    title: 'a self-signed certificate for an address',
    trusted: true,
    host: '127.0.0.1',
    make: openssl =>
      itself(
        openssl.selfSigned({ extensions: ['subjectAltName=IP:127.0.0.1'] }),
      ),
  },
  {
    title: 'one self-signed certificate among others',
    trusted: true,
    make: openssl => {
      const server = openssl.selfSigned();
      const others = [openssl.selfSigned(), openssl.selfSigned({ name: 'x' })];
      const bundle = [...others, server].map(({ cert }) => cert);
      return { server, caFile: openssl.file(Buffer.concat(bundle)) };
    },
  },
  {
    title: 'a certificate of a private authority',
    trusted: true,
    make: openssl => {
      const authority = openssl.selfSigned({ name: 'authority' });
      const server = openssl.issue(authority, { extensions: forLocalhost });
      return { server, caFile: authority.file };
    },
  },
  {
    title: 'an address as common name',
    trusted: false,
    host: '127.0.0.1',
    make: openssl => itself(openssl.selfSigned({ name: '127.0.0.1' })),
  },
  {
    title: "another host's self-signed certificate",
    trusted: false,
    make: openssl => itself(openssl.selfSigned({ name: 'elsewhere' })),
  },
  {
    title: 'a common name beside other names',
    trusted: false,
    make: openssl =>
      itself(
        openssl.selfSigned({ extensions: ['subjectAltName=DNS:elsewhere'] }),
      ),
  },
  {
    title: 'a self-signed certificate without any name',
    trusted: false,
    make: openssl => itself(openssl.selfSigned({ name: '' })),
  },
  {
    title: 'another self-signed certificate of the same name',
    trusted: false,
    make: openssl => ({
      server: openssl.selfSigned(),
      caFile: openssl.selfSigned().file,
    }),
  },
  {
    title: 'another self-signed certificate of the same name and key',
    trusted: false,
    make: openssl => {
      const known = openssl.selfSigned();
      return {
        server: openssl.selfSigned({}, known.keyFile),
        caFile: known.file,
      };
    },
  },
  {
    title: 'an expired self-signed certificate',
    trusted: false,
    make: openssl =>
      itself(
        openssl.issue(undefined, {
          days: -1,
          extensions: ['basicConstraints=critical,CA:TRUE', ...forLocalhost],
        }),
      ),
  },
  {
    title: 'the certificate alone of an authority that is not given',
    trusted: false,
    make: openssl => {
      const authority = openssl.selfSigned({ name: 'authority' });
      return itself(openssl.issue(authority, { extensions: forLocalhost }));
    },
  },
  {
    title: "a certificate that somebody signed with an authority's name",
    trusted: false,
    make: openssl => {
      const authority = openssl.selfSigned({ name: 'authority' });
      const impostor = openssl.selfSigned({ name: 'authority' });
      const server = openssl.issue(impostor, { extensions: forLocalhost });
      return { server, caFile: authority.file };
    },
  },
];

describe('a caFile', { skip: withoutOpenssl(), concurrency: 2 }, () => {
  for (const { title, trusted, host = 'localhost', make } of CASES) {
    test(`${trusted ? 'lets in' : 'keeps out'} ${title}, as Node does`, async t => {
      const { server, caFile } = make(Openssl.create(t));
      const collector = await TlsCollector.start(t, server);
      const byNode = await verdictOfNode(
        host,
        collector.port,
        readFileSync(caFile),
      );
      assert.equal(byNode === undefined, trusted, byNode);
      for (const protocol of PROTOCOLS) {
        const before = collector.requests;
        const url = `https://${host}:${collector.port}`;
        const reason = await refusal(url, protocol, { caFile });
        if (trusted) {
          assert.equal(reason, undefined, protocol);
          assert.ok(collector.requests > before, protocol);
        } else {
          assert.match(reason!, /certificate/, protocol);
          assert.equal(collector.requests, before, protocol);
          // No advice to give what was given.
          assert.doesNotMatch(reason!, /tls\.caFile|ca-certificates/, protocol);
        }
      }
    });
  }

  test('is advised for a self-signed certificate that is not given', async t => {
    const server = Openssl.create(t).selfSigned();
    const collector = await TlsCollector.start(t, server);
    for (const protocol of PROTOCOLS) {
      const url = `https://localhost:${collector.port}`;
      const reason = await refusal(url, protocol, {});
      assert.match(reason!, /self-signed.*give it as tls\.caFile/);
    }
    assert.equal(collector.requests, 0);
  });

  test('with a key that is not supported is refused at once, by its kind', t => {
    const openssl = Openssl.create(t);
    for (const [key, kind] of [
      ['-algorithm EC -pkeyopt ec_paramgen_curve:P-521', 'P-521'],
      ['-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1', 'secp256k1'],
      ['-algorithm ED448', 'Ed448'],
    ]) {
      const { file } = openssl.selfSigned({ key });
      assert.throws(() => configure({ caFile: file }), {
        message: new RegExp(`${file}.*found ${kind}, expected RSA.*P-384`),
      });
    }
  });

  test('lets in nobody whose key is not supported, and the reason says so', async t => {
    const openssl = Openssl.create(t);
    const authority = openssl.selfSigned({ name: 'authority' });
    const server = openssl.issue(authority, {
      key: '-algorithm EC -pkeyopt ec_paramgen_curve:P-521',
      extensions: forLocalhost,
    });
    const collector = await TlsCollector.start(t, server);
    for (const protocol of PROTOCOLS) {
      const url = `https://localhost:${collector.port}`;
      const reason = await refusal(url, protocol, { caFile: authority.file });
      assert.match(reason!, /kind of the certificate's key.*P-256, P-384/);
    }
  });
});

function configure(tls: Tls): void {
  const provider = createMeterProvider({
    exporters: {
      prometheus: false,
      otlp: { endpoint: 'https://127.0.0.1:1', tls },
    },
  });
  void provider.shutdown().catch(() => {});
}

describe('a client certificate', { skip: withoutOpenssl() }, () => {
  test('is shown to a collector that demands one, and its absence explained', async t => {
    const openssl = Openssl.create(t);
    const authority = openssl.selfSigned({ name: 'authority' });
    const server = openssl.issue(authority, { extensions: forLocalhost });
    // Of version 1, which is for the collector to judge.
    const client = openssl.issue(authority, { name: 'client' });
    const stranger = openssl.selfSigned({ name: 'stranger' });
    const collector = await TlsCollector.start(t, server, authority);
    const url = `https://localhost:${collector.port}`;
    for (const protocol of PROTOCOLS) {
      const shown = ({ file, keyFile }: Identity) =>
        refusal(url, protocol, {
          caFile: authority.file,
          certFile: file,
          keyFile,
        });
      assert.equal(await shown(client), undefined, protocol);
      assert.notEqual(await shown(stranger), undefined, protocol);
      const without = await refusal(url, protocol, { caFile: authority.file });
      assert.notEqual(without, undefined, protocol);
    }
    // The last exports of those that were let in are among them.
    assert.equal(collector.requests, 2 * PROTOCOLS.length);
  });

  test('that cannot be used is refused at once, with what is wrong and what is right', t => {
    const openssl = Openssl.create(t);
    const authority = openssl.selfSigned({ name: 'authority' });
    const { cert, file, key, keyFile } = openssl.issue(authority, {
      extensions: ['extendedKeyUsage=clientAuth'],
    });
    const other = openssl.key();
    const pkcs8 = openssl.file();
    const traditional = openssl.file();
    const der = openssl.file();
    const derKey = openssl.file();
    const passphrase = ['-aes256', '-passout', 'pass:secret'];
    openssl.run(
      'pkcs8',
      '-topk8',
      '-in',
      keyFile,
      '-out',
      pkcs8,
      '-passout',
      'pass:secret',
    );
    openssl.run('ec', '-in', keyFile, '-out', traditional, ...passphrase);
    openssl.run('x509', '-in', file, '-outform', 'DER', '-out', der);
    openssl.run('pkey', '-in', keyFile, '-outform', 'DER', '-out', derKey);
    const p521 = openssl.issue(authority, {
      key: '-algorithm EC -pkeyopt ec_paramgen_curve:P-521',
    });
    const both = (...parts: Buffer[]) => openssl.file(Buffer.concat(parts));
    const cut = openssl.file(cert.subarray(0, 300));
    const empty = openssl.file('');

    for (const [certFile, key_, pattern] of [
      [file, pkcs8, /keyFile.* is encrypted.*openssl pkey/],
      [file, traditional, /keyFile.* is encrypted.*openssl pkey/],
      [file, other, /keyFile.* does not belong to the certificate in/],
      [
        both(authority.cert, cert),
        keyFile,
        /belongs to certificate number 2 in.*expected it to be the first/,
      ],
      [p521.file, p521.keyFile, /found a key of P-521, expected RSA.*P-384/],
      [
        keyFile,
        file,
        /certFile.*holds no PEM certificate: found a private key/,
      ],
      [file, file, /keyFile.*holds no PEM private key: found a certificate/],
      [
        der,
        keyFile,
        /certFile.*no PEM certificate: found binary data, such as DER/,
      ],
      [
        file,
        derKey,
        /keyFile.*no PEM private key: found binary data, such as DER/,
      ],
      [empty, keyFile, /certFile.*no PEM certificate: found nothing/],
      [file, empty, /keyFile.*no PEM private key: found nothing/],
      [cut, keyFile, /certFile.*damaged/],
    ] as [string, string, RegExp][]) {
      assert.throws(
        () => configure({ certFile, keyFile: key_ }),
        (error: Error) => {
          assert.match(error.message, pattern);
          assert.ok(
            error.message.includes(certFile) || error.message.includes(key_),
          );
          return true;
        },
      );
    }
    // A file of both, as for other programs, and the byte order mark of some editors.
    const mark = Buffer.from('\ufeff');
    const together = both(mark, key, cert, authority.cert);
    configure({ certFile: together, keyFile: together });
  });
});

describe(
  'NODE_EXTRA_CA_CERTS',
  { skip: withoutOpenssl(), concurrency: 2 },
  () => {
    async function exportWith(
      t: TestContext,
      port: number,
      protocol: string,
      extra: string,
      caFile: string[] = [],
    ): Promise<string> {
      const program = Program.node(t, 'export/extra-authorities.cjs', {
        args: [`https://localhost:${port}`, protocol, ...caFile],
        env: { NODE_EXTRA_CA_CERTS: extra },
      });
      const { stdout, stderr } = await program.ending;
      return stdout + stderr;
    }

    test('is trusted beside the system, an authority as well as a self-signed certificate', async t => {
      const openssl = Openssl.create(t);
      const authority = openssl.selfSigned({ name: 'authority' });
      const issued = openssl.issue(authority, { extensions: forLocalhost });
      const selfSigned = openssl.selfSigned();
      for (const [server, extra] of [
        [issued, authority.file],
        [selfSigned, selfSigned.file],
      ] as const) {
        const { port } = await TlsCollector.start(t, server);
        for (const protocol of ['http/protobuf', 'grpc']) {
          const said = await exportWith(t, port, protocol, extra);
          assert.match(said, /^exported$/m, said);
        }
      }
    });

    test('is not trusted beside a caFile, which says whom alone to trust', async t => {
      const openssl = Openssl.create(t);
      const server = openssl.selfSigned();
      const { port } = await TlsCollector.start(t, server);
      const other = openssl.selfSigned({ name: 'authority' });
      const said = await exportWith(t, port, 'grpc', server.file, [other.file]);
      assert.match(said, /^refused: .*not the one in the caFile/m, said);
    });

    test('is ignored with a warning when it cannot be used, as Node does', async t => {
      const openssl = Openssl.create(t);
      const server = openssl.selfSigned();
      const { port } = await TlsCollector.start(t, server);
      const file = openssl.file('nonsense');
      const said = await exportWith(t, port, 'http/json', file);
      assert.match(
        said,
        /^warn: .*NODE_EXTRA_CA_CERTS .* holds no PEM certificate.*; ignored$/m,
      );
      assert.match(said, /^refused: .*self-signed/m);
    });
  },
);
