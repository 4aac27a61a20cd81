import { CustomErrorBase } from '@backstage/errors';

/** Too many queries at once. Backstage answers 429. */
export class TooManyRequestsError extends CustomErrorBase {
  override readonly name = 'TooManyRequestsError';
  readonly statusCode = 429;
}

/** Prometheus did not answer in time. Backstage answers 504. */
export class UpstreamTimeoutError extends CustomErrorBase {
  override readonly name = 'UpstreamTimeoutError';
  readonly statusCode = 504;
}

/**
 * The server answered, and asking again would give the same: it refuses credentials, or has no such
 * API. Backstage answers 502.
 */
export class UpstreamRefusalError extends CustomErrorBase {
  override readonly name = 'UpstreamRefusalError';
  readonly statusCode = 502;
}

/** An entity names an instance that the backend does not have. Backstage answers 400. */
export class UnknownInstanceError extends CustomErrorBase {
  override readonly name = 'UnknownInstanceError';
  readonly statusCode = 400;
}
