import type { Entity } from '@backstage/catalog-model';
import { AnnotationError } from './AnnotationError';
import { splitList } from './list';
import { SERVICE_NAME_ANNOTATION } from './names';

/** Instances that serve one entity: each is asked for everything. */
export const MAX_SERVICE_NAMES = 10;

/**
 * Reads `prometheus.io/service-name`: the name of an instance, or several with commas between them.
 *
 * @returns names without the space around them, each once; none without the annotation
 * @throws AnnotationError for too many
 */
export function serviceNamesOf(entity: Entity): string[] {
  const text = entity.metadata.annotations?.[SERVICE_NAME_ANNOTATION] ?? '';
  const items = splitList(SERVICE_NAME_ANNOTATION, text);
  if (items.length > MAX_SERVICE_NAMES) {
    throw new AnnotationError(
      SERVICE_NAME_ANNOTATION,
      text,
      `there are ${items.length} instances, and ${MAX_SERVICE_NAMES} are the most`,
      items[MAX_SERVICE_NAMES].offset,
    );
  }
  return [...new Set(items.map(item => item.text))];
}
