import { InputError } from '@backstage/errors';
import {
  AnnotationError,
  QueryError,
} from '@nativestage/backstage-plugin-prometheus-common';

/** What an author or a caller wrote wrongly is said to them. */
export function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    return asReadable(error);
  }
}

/** As {@link readable}, of what was thrown already. */
export function asReadable(error: unknown): never {
  throw error instanceof QueryError || error instanceof AnnotationError
    ? new InputError(error.message)
    : error;
}
