import { ConfigReader } from '@backstage/config';
import type { JsonObject } from '@backstage/types';
import type { TestContext } from 'node:test';
import { DEFAULT_LIMITS } from '../../plugins/prometheus-backend/src/client/Limits';
import {
  type ClientOptions,
  PrometheusClient,
} from '../../plugins/prometheus-backend/src/client/PrometheusClient';
import { PrometheusInstance } from '../../plugins/prometheus-backend/src/client/PrometheusInstance';
import { Querier } from '../../plugins/prometheus-backend/src/client/Querier';

/** What a logger was told. */
export type LoggedLines = string[];

/** A client of one instance, with limits that tests choose. Closed with the test. */
export function clientOf(
  t: Pick<TestContext, 'after'>,
  url: string,
  options: Partial<ClientOptions> = {},
  config: JsonObject = {},
): PrometheusClient {
  const client = new PrometheusClient(
    PrometheusInstance.fromConfig(
      new ConfigReader({ name: 'test', url, ...config }),
      'prometheus.instances[0]',
    ),
    { ...DEFAULT_LIMITS, connections: 10, ...options },
  );
  t.after(() => client.close());
  return client;
}

/** A querier of a configuration below `prometheus`. Closed with the test. */
export function querierOf(
  t: Pick<TestContext, 'after'>,
  prometheus: JsonObject,
): Querier {
  const querier = Querier.fromConfig(new ConfigReader({ prometheus }));
  t.after(() => querier.close());
  return querier;
}
