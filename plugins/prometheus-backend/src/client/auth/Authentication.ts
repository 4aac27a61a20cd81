/** A request as it will be sent, for whoever signs it. */
export interface OutgoingRequest {
  method: 'GET' | 'POST';
  url: URL;
  headers: Readonly<Record<string, string>>;
  /** The form of a POST. */
  body?: string;
}

/** How the backend shows a server who it is. */
export interface Authentication {
  /** What it always sends, known before the first request. */
  readonly fixed: Readonly<Record<string, string>>;

  /**
   * The headers to add to a request, those of {@link fixed} included.
   *
   * @throws CredentialError with a message that holds no secret
   */
  headersFor(request: OutgoingRequest): Promise<Record<string, string>>;

  /**
   * The server has refused the credentials.
   *
   * @returns whether new ones can be had now
   */
  renew?(): boolean;

  /** Ends connections of its own. */
  close?(): Promise<void>;
}

/** Credentials that cannot be had. Its message may be shown. */
export class CredentialError extends Error {
  override readonly name = 'CredentialError';
}
