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
