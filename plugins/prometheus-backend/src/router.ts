import type {
  BackstageCredentials,
  BackstageServicePrincipal,
  BackstageUserPrincipal,
  HttpAuthService,
  LoggerService,
  PermissionsService,
} from '@backstage/backend-plugin-api';
import type { Entity } from '@backstage/catalog-model';
import type { Config } from '@backstage/config';
import { InputError, NotAllowedError } from '@backstage/errors';
import type { CatalogService } from '@backstage/plugin-catalog-node';
import {
  prometheusAlertReadPermission,
  prometheusPanelReadPermission,
  prometheusQueryCustomPermission,
} from '@nativestage/backstage-plugin-prometheus-common';
import express, { type Request, type Response, type Router } from 'express';
import PromiseRouter from 'express-promise-router';
import { Querier } from './client';
import { EntityAccess } from './EntityAccess';
import { type Caller, EntityPrometheus } from './EntityPrometheus';
import type { InstanceChooser } from './instanceExtensionPoint';
import { readNamedQueries } from './NamedQueries';
import { bodies, parseBody } from './requests';

/** A request is a few numbers, and a query of 10 000 characters at the most. */
const MAX_BODY = '64kb';

const ENTITY = '/entities/:kind/:namespace/:name';

/** What {@link createRouter} needs. */
export interface RouterOptions {
  logger: LoggerService;
  config: Config;
  /** Entities are read with the credentials of whoever asks. */
  catalog: CatalogService;
  httpAuth: HttpAuthService;
  permissions: PermissionsService;
  /** Chooses the instance of an entity among those of the configuration. */
  chooseInstance?: InstanceChooser;
}

/**
 * The routes of the plugin, for what its default export does not fit. Requests name an entity and a
 * panel, never a query; free PromQL has a permission of its own.
 *
 * @throws Error that names the path of what is wrong in `prometheus`
 */
export async function createRouter(options: RouterOptions): Promise<Router> {
  const { config, logger } = options;
  const querier = Querier.fromConfig(config);
  const routes = new Routes({
    ...options,
    querier,
    access: new EntityAccess(options.catalog, options.permissions),
    prometheus: new EntityPrometheus({
      querier,
      queries: readNamedQueries(config),
      logger,
      chooseInstance: options.chooseInstance,
    }),
    isCustomAllowed: allowsCustomQueries(config),
  });
  return routes.router();
}

/**
 * Without the permission framework everything is allowed to everyone, and so this is not: it takes a
 * policy, or the word of whoever writes the configuration.
 */
function allowsCustomQueries(config: Config): boolean {
  return (
    config.getOptionalBoolean('prometheus.customQueries') ??
    config.getOptionalBoolean('permission.enabled') ??
    false
  );
}

interface RoutesOptions {
  httpAuth: HttpAuthService;
  access: EntityAccess;
  prometheus: EntityPrometheus;
  querier: Querier;
  isCustomAllowed: boolean;
}

type Credentials = BackstageCredentials<
  BackstageUserPrincipal | BackstageServicePrincipal
>;

class Routes {
  constructor(private readonly options: RoutesOptions) {}

  router(): Router {
    const { prometheus, querier } = this.options;
    const router = PromiseRouter();
    router.use(express.json({ limit: MAX_BODY }));

    router.get(`${ENTITY}/panels`, async (request, response) => {
      const { entity, caller } = await this.seen(request, response);
      response.json(await prometheus.panels(entity, caller));
    });
    router.post(`${ENTITY}/panels/:panel/range`, async (request, response) => {
      const range = parseBody(bodies.range, request.body);
      const { entity, caller } = await this.seen(request, response);
      const { panel } = request.params;
      response.json(await prometheus.panelRange(entity, panel, range, caller));
    });
    router.post(
      `${ENTITY}/panels/:panel/instant`,
      async (request, response) => {
        parseBody(bodies.instant, request.body);
        const { entity, caller } = await this.seen(request, response);
        const { panel } = request.params;
        response.json(await prometheus.panelInstant(entity, panel, caller));
      },
    );
    router.post(
      `${ENTITY}/panels/:panel/exemplars`,
      async (request, response) => {
        const range = parseBody(bodies.range, request.body);
        const { entity, caller } = await this.seen(request, response);
        const { panel } = request.params;
        response.json(
          await prometheus.panelExemplars(entity, panel, range, caller),
        );
      },
    );

    router.get(`${ENTITY}/alerts`, async (request, response) => {
      const { entity, caller } = await this.seen(
        request,
        response,
        prometheusAlertReadPermission,
      );
      response.json(await prometheus.alerts(entity, caller));
    });

    router.post(`${ENTITY}/query/range`, async (request, response) => {
      const { query, ...range } = parseBody(
        bodies.entityRangeQuery,
        request.body,
      );
      await this.assertCustom(request);
      const { entity, caller } = await this.seen(request, response);
      response.json(await prometheus.customRange(entity, query, range, caller));
    });
    router.post(`${ENTITY}/query/instant`, async (request, response) => {
      const { query } = parseBody(bodies.entityInstantQuery, request.body);
      await this.assertCustom(request);
      const { entity, caller } = await this.seen(request, response);
      response.json(await prometheus.customInstant(entity, query, caller));
    });

    router.get('/instances', async (request, response) => {
      await this.assertCustom(request);
      response.json({ instances: querier.instances.names });
    });
    router.post('/query/range', async (request, response) => {
      const body = parseBody(bodies.rangeQuery, request.body);
      const credentials = await this.assertCustom(request);
      response.json(
        await querier.queryRange({
          ...body,
          instance: this.free(body.instance),
          ...callerOf(credentials, response),
        }),
      );
    });
    router.post('/query/instant', async (request, response) => {
      const body = parseBody(bodies.instantQuery, request.body);
      const credentials = await this.assertCustom(request);
      response.json(
        await querier.query({
          ...body,
          instance: this.free(body.instance),
          ...callerOf(credentials, response),
        }),
      );
    });
    return router;
  }

  /** The entity of the path, if whoever asks may see that of it. */
  private async seen(
    request: Request,
    response: Response,
    permission:
      | typeof prometheusPanelReadPermission
      | typeof prometheusAlertReadPermission = prometheusPanelReadPermission,
  ): Promise<{ entity: Entity; caller: Caller }> {
    const { access } = this.options;
    const credentials = await this.credentials(request);
    const { kind, namespace, name } = request.params;
    const ref = { kind, namespace, name };
    return {
      entity: await access.read(ref, permission, credentials),
      caller: callerOf(credentials, response),
    };
  }

  private credentials(request: Request): Promise<Credentials> {
    return this.options.httpAuth.credentials(request, {
      allow: ['user', 'service'],
    });
  }

  private async assertCustom(request: Request): Promise<Credentials> {
    const { access, isCustomAllowed } = this.options;
    const credentials = await this.credentials(request);
    if (!isCustomAllowed) {
      throw new NotAllowedError(
        'Queries of your own are switched off; prometheus.customQueries switches them on',
      );
    }
    await access.assertMay(prometheusQueryCustomPermission, credentials);
    return credentials;
  }

  /** Without an entity nobody knows what labels would have to be enforced. */
  private free(name?: string): string {
    const instance = this.options.querier.instances.get(name);
    if (instance.isEnforcing) {
      throw new InputError(
        `The instance "${instance.name}" enforces labels by entity; ask it through an entity`,
      );
    }
    return instance.name;
  }
}

function callerOf(
  { principal }: Credentials,
  response: Response,
): Required<Caller> {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableEnded) {
      gone.abort();
    }
  });
  return {
    user:
      principal.type === 'user' ? principal.userEntityRef : principal.subject,
    signal: gone.signal,
  };
}
