import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { buildConnector } from 'undici';
import { fail, section, type Section } from './Section';

/** Files in PEM, by the keys that configure them. */
const FILES = { caFile: 'ca', certFile: 'cert', keyFile: 'key' } as const;

type FileKey = keyof typeof FILES;

/**
 * Certificates and keys of connections. Files are read again for every new connection, for
 * certificates that are mounted are written anew while the backend runs.
 */
export class Tls {
  readonly #files: [key: FileKey, path: string][];
  readonly #options: ConnectionOptions;

  /**
   * Reads `tls`.
   *
   * @throws Error that names the path of what is wrong, such as a file that cannot be read
   */
  static fromConfig(at: Section): Tls {
    const tls = section(at, 'tls');
    const keys = Object.keys(FILES) as FileKey[];
    const files = keys.flatMap((key): [FileKey, string][] => {
      const file = tls?.config.getOptionalString(key);
      return file === undefined ? [] : [[key, file]];
    });
    const options = {
      servername: tls?.config.getOptionalString('serverName'),
      rejectUnauthorized:
        tls?.config.getOptionalBoolean('rejectUnauthorized') ?? true,
    };
    for (const [key, file] of files) {
      try {
        readFileSync(file);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        fail(tls!, key, `is a file that cannot be read (${code})`);
      }
    }
    return new Tls(files, options);
  }

  private constructor(
    files: [key: FileKey, path: string][],
    options: ConnectionOptions,
  ) {
    this.#files = files;
    this.#options = options;
  }

  /**
   * What connects to a server with the files as they are at that moment.
   *
   * @param timeout - milliseconds
   */
  connector(timeout: number): buildConnector.connector {
    let known = '';
    let connect = buildConnector({ ...this.#options, timeout });
    return (options, callback) => {
      let files: [string, string][];
      try {
        files = this.#files.map(([key, file]) => [
          FILES[key],
          readFileSync(file, 'utf8'),
        ]);
      } catch (error) {
        callback(error as Error, null);
        return;
      }
      const text = JSON.stringify(files);
      // A connector remembers sessions, which spare the next connection half of its handshake.
      if (text !== known) {
        const contents = Object.fromEntries(files);
        connect = buildConnector({ ...this.#options, ...contents, timeout });
        known = text;
      }
      connect(options, callback);
    };
  }
}
