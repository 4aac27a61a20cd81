import type { OutgoingRequest } from './auth/Authentication';

/** A request that is about to be sent, for whoever signs it. */
export interface RequestToSign extends OutgoingRequest {
  /** The name of the instance that is asked. */
  instance: string;
  /** Whose API the server has. */
  product: 'Prometheus' | 'Alertmanager';
}

/**
 * Makes the headers that show a server who asks, such as a signature: they are added to those of
 * the request, and take the place of those of the same name.
 */
export type RequestSigner = (
  request: RequestToSign,
) =>
  | Record<string, string>
  | undefined
  | Promise<Record<string, string> | undefined>;
