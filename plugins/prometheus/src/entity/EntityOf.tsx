import { useApi } from '@backstage/core-plugin-api';
import { NotFoundError } from '@backstage/errors';
import { catalogApiRef, EntityProvider } from '@backstage/plugin-catalog-react';
import { type ReactNode, useCallback, useState } from 'react';
import { ContentCard } from '../state/ContentCard';
import { useRequest } from '../state/useRequest';
import { Failure } from '../state/Failure';
import { Loading } from '../state/StateMessage';

export interface EntityOfProps {
  /** Such as `component:default/shop`. */
  entityRef: string;
  /** Of the card while there is no entity. */
  title?: string;
  children: ReactNode;
}

/** Reads an entity of the catalog, for pages that are not its own. */
export function EntityOf({ entityRef, title, children }: EntityOfProps) {
  const catalogApi = useApi(catalogApiRef);
  const [attempt, setAttempt] = useState(0);
  const request = useCallback(async () => {
    const entity = await catalogApi.getEntityByRef(entityRef);
    if (!entity) {
      throw new NotFoundError(
        `The catalog has no entity "${entityRef}", or you may not see it`,
      );
    }
    return entity;
  }, [catalogApi, entityRef]);
  const { data, error } = useRequest(entityRef, request, attempt);
  if (data) {
    return <EntityProvider entity={data}>{children}</EntityProvider>;
  }
  return (
    <ContentCard title={title ?? 'Prometheus'}>
      {error ? (
        <Failure error={error} onRetry={() => setAttempt(attempt + 1)} />
      ) : (
        <Loading title="Looking for the entity" />
      )}
    </ContentCard>
  );
}
