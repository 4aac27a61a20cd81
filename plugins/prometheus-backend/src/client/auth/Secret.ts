import { readFile } from 'node:fs/promises';
import { fail, type Section } from '../Section';
import { CredentialError } from './Authentication';

/** What a header's value may be. */
export const HEADER_VALUE = /^[\x20-\x7e]+$/;

/** What is encoded before it is sent. */
export const ANY_TEXT = /^[^\0]+$/;

/** A credential of the configuration, or of a file that whoever runs the portal may change. */
export class Secret {
  private constructor(
    /** Where it stands in the configuration. */
    private readonly path: string,
    /** If it stands there itself. */
    readonly value: string | undefined,
    private readonly file: string | undefined,
    private readonly allowed: RegExp,
  ) {}

  /**
   * Reads `key`, or the path of a file at `keyFile`.
   *
   * @param allowed - what it may be
   * @throws Error that names the path, for neither and for both
   */
  static fromConfig(at: Section, key: string, allowed = HEADER_VALUE): Secret {
    const value = at.config.getOptionalString(key);
    const file = at.config.getOptionalString(`${key}File`);
    if (value !== undefined && file !== undefined) {
      return fail(at, key, `and ${key}File are there both; one is needed`);
    }
    if (value !== undefined) {
      return allowed.test(value)
        ? new Secret(`${at.path}.${key}`, value, undefined, allowed)
        : fail(at, key, 'has characters that a header cannot have');
    }
    return file === undefined
      ? fail(at, key, `is missing; ${key}File may name a file that has it`)
      : new Secret(`${at.path}.${key}File`, undefined, file, allowed);
  }

  /**
   * What it is at this moment: a file is read each time, as Prometheus does, for tokens that are
   * mounted are written anew while the backend runs.
   *
   * @throws CredentialError for a file that cannot be read, or holds nothing that can be sent
   */
  async read(): Promise<string> {
    return this.value ?? (await this.readFile(this.file!));
  }

  private async readFile(file: string): Promise<string> {
    let text: string;
    try {
      text = (await readFile(file, 'utf8')).trim();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new CredentialError(
        `the file of ${this.path} cannot be read (${code})`,
      );
    }
    if (!this.allowed.test(text)) {
      throw new CredentialError(
        `the file of ${this.path} ${text === '' ? 'is empty' : 'has characters that a header cannot have'}`,
      );
    }
    return text;
  }
}
