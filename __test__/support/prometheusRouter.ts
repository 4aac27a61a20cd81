import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Entity } from '@backstage/catalog-model';
import { ConfigReader } from '@backstage/config';
import { isError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import express, { type ErrorRequestHandler } from 'express';
import {
  createRouter,
  type RouterOptions,
} from '../../plugins/prometheus-backend/src/router';

export interface PrometheusRouterOptions {
  /** Below `prometheus`. */
  prometheus: JsonObject;
  annotations: Record<string, string>;
  /** Awaited before the catalog answers. */
  catalog?: () => Promise<unknown>;
  /** Awaited before the caller is known. */
  credentials?: () => Promise<unknown>;
  logger?: Partial<RouterOptions['logger']>;
  chooseInstance?: RouterOptions['chooseInstance'];
  signRequest?: RouterOptions['signRequest'];
}

const CREDENTIALS = {
  $$type: '@backstage/BackstageCredentials',
  principal: { type: 'user', userEntityRef: 'user:default/guest' },
};

/**
 * The plugin's routes with services that answer when a test wants it; that they fit real ones the
 * tests of `__test__/prometheus` show. Gives the address of an entity. Ends with the test.
 */
export async function prometheusRouter(
  t: Pick<TestContext, 'after'>,
  {
    prometheus,
    annotations,
    catalog = () => sleep(0),
    credentials = () => sleep(0),
    logger = {},
    ...choices
  }: PrometheusRouterOptions,
): Promise<string> {
  const entity: Entity = {
    apiVersion: 'backstage.io/v1alpha1',
    kind: 'Component',
    metadata: { name: 'shop', annotations },
  };
  const hooks: (() => unknown)[] = [];
  const nothing = () => {};
  const router = await createRouter({
    ...choices,
    config: new ConfigReader({ prometheus }),
    logger: { debug: nothing, warn: nothing, ...logger },
    catalog: { getEntityByRef: () => catalog().then(() => entity) },
    httpAuth: { credentials: () => credentials().then(() => CREDENTIALS) },
    permissions: { authorize: () => Promise.resolve([{ result: 'ALLOW' }]) },
    lifecycle: { addShutdownHook: (hook: () => unknown) => hooks.push(hook) },
  } as unknown as RouterOptions);
  const app = express();
  app.use(router);
  // With its four parameters express takes it for one of errors.
  const refuse: ErrorRequestHandler = (
    error: unknown,
    _request,
    response,
    _,
  ) => {
    const { name, message } = isError(error) ? error : new Error(String(error));
    const { statusCode = 500 } = error as { statusCode?: number };
    response.status(statusCode).json({ error: { name, message } });
  };
  app.use(refuse);
  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    for (const hook of hooks) {
      await hook();
    }
  });
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}/entities/component/default/shop`;
}
