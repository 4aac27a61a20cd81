import { ResponseError } from '@backstage/errors';
import { PluginMissingError } from '../api/PluginMissingError';

/** What went wrong, for whoever looks at the page. */
export interface Problem {
  title: string;
  /** What the server says, or what to do. */
  detail: string;
  /** Whether it may be better soon. */
  isTransient: boolean;
}

/** What is thrown without the backend plugin, by the status that this would have answered. */
const STATUSES: Record<string, number> = {
  AnnotationError: 400,
  QueryError: 400,
  InputError: 400,
  NotFoundError: 404,
  ServiceUnavailableError: 503,
};

/** Says of an error what it means and what can be done. */
export function problemOf(error: Error): Problem {
  if (error instanceof PluginMissingError) {
    return lasting('The Prometheus backend is not installed', error.message);
  }
  if (error instanceof TypeError) {
    return passing('Backstage could not be reached', error.message);
  }
  if (isBetween(error)) {
    return passing(
      'Backstage could not be reached',
      `${error.message}. Something before it answered, as a load balancer does during a rollout.`,
    );
  }
  return error instanceof ResponseError
    ? byAnswer(error)
    : byStatus(STATUSES[error.name], error.message);
}

function byAnswer({ response, cause }: ResponseError): Problem {
  // The backend's own word for a server that would answer the same again; a gateway's 502 passes.
  return cause.name === 'UpstreamRefusalError'
    ? lasting('Prometheus cannot be asked', cause.message)
    : byStatus(response.status, cause.message);
}

/** A 404 that is no answer of Backstage's. */
function isBetween(error: Error): boolean {
  return (
    error instanceof ResponseError &&
    error.response.status === 404 &&
    error.cause.name === 'Error'
  );
}

function byStatus(status: number | undefined, message: string): Problem {
  switch (status) {
    case 400:
    case 422:
      return lasting('Prometheus could not be asked', message);
    case 401:
      return lasting(
        'You are not signed in',
        'Sign in to see what Prometheus knows.',
      );
    case 403:
      return lasting(
        'You may not see this',
        `${message}. Ask whoever runs this portal for it.`,
      );
    case 404:
      return lasting('There is nothing here', message);
    case 429:
      return passing('Too many queries at once', message);
    case 502:
    case 503:
    case 504:
      return passing('Prometheus did not answer', message);
    default:
      return passing('Something went wrong', message);
  }
}

function lasting(title: string, detail: string): Problem {
  return { title, detail, isTransient: false };
}

function passing(title: string, detail: string): Problem {
  return { title, detail, isTransient: true };
}
