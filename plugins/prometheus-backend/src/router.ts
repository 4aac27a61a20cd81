import type {
  HttpAuthService,
  LifecycleService,
  LoggerService,
} from '@backstage/backend-plugin-api';
import type { Entity } from '@backstage/catalog-model';
import { type Config, ConfigReader } from '@backstage/config';
import { InputError, NotAllowedError } from '@backstage/errors';
import {
  prometheusAlertReadPermission,
  prometheusPanelReadPermission,
  prometheusQueryCustomPermission,
} from '@nativestage/backstage-plugin-prometheus-common';
import express, {
  type Request,
  type RequestHandler,
  type Router,
} from 'express';
import { type CallerServices, callerServices } from './callerServices';
import { Querier, readTraceUrl, type RequestSigner } from './client';
import { type CallerCredentials, EntityAccess } from './EntityAccess';
import { EntityAlerts } from './EntityAlerts';
import { EntityInstances } from './EntityInstances';
import { EntityPrometheus } from './EntityPrometheus';
import { type Caller, EntityQueries } from './EntityQueries';
import type { InstanceChooser } from './instanceExtensionPoint';
import { readNamedQueries } from './NamedQueries';
import { bodies, parseBody } from './requests';
import { ClientGoneError, withinRequest } from './withinRequest';

/** A request is a few numbers, and a query of 10 000 characters at the most. */
const MAX_BODY = '64kb';

const ENTITY = '/entities/:kind/:namespace/:name';

/** What {@link createRouter} needs. */
export interface RouterOptions extends Partial<CallerServices> {
  logger: Pick<LoggerService, 'debug' | 'warn'>;
  config: Config;
  /** When it ends, so do the connections to Prometheus and the requests that wait for it. */
  lifecycle?: Pick<LifecycleService, 'addShutdownHook'>;
  /** Chooses the instance of an entity. */
  chooseInstance?: InstanceChooser;
  /** Signs requests to Prometheus and Alertmanager. */
  signRequest?: RequestSigner;
}

/**
 * The routes of the plugin, for what its default export does not fit. Requests name an entity and a
 * panel, never a query; free PromQL has a permission of its own.
 *
 * `logger` and `config` are enough: the catalog and the permission framework of `backend.baseUrl` are
 * then asked with the token of whoever asks. With some of `catalog`, `httpAuth` and `permissions` all
 * three are needed.
 *
 * @throws Error that names the path of what is wrong in `prometheus`
 */
export function createRouter(options: RouterOptions): Promise<Router> {
  return Promise.resolve(options).then(makeRouter);
}

function makeRouter(options: RouterOptions): Router {
  const { chooseInstance, config, logger, signRequest } = options;
  const { catalog, httpAuth, permissions, isCallerVerified } =
    callerServices(options);
  const querier = Querier.fromConfig(config, { logger, signRequest });
  options.lifecycle?.addShutdownHook(() => querier.close());
  const queries = new EntityQueries({ querier, logger });
  const instances = new EntityInstances(querier.instances, chooseInstance);
  return new Routes({
    httpAuth,
    access: new EntityAccess(catalog, permissions),
    prometheus: new EntityPrometheus({
      queries,
      instances,
      named: readNamedQueries(config),
      traceUrl: readTraceUrl({
        config: prometheusOf(config),
        path: 'prometheus',
      }),
    }),
    alerts: new EntityAlerts({ querier, queries, instances }),
    querier,
    isCustomAllowed: allowsCustomQueries(config),
    isCallerVerified,
  }).router();
}

function prometheusOf(config: Config): Config {
  return config.getOptionalConfig('prometheus') ?? new ConfigReader({});
}

/** Whatever the policy allows: that of Backstage's template allows everything to everyone. */
function allowsCustomQueries(config: Config): boolean {
  return config.getOptionalBoolean('prometheus.customQueries') ?? false;
}

interface RoutesOptions {
  httpAuth: Pick<HttpAuthService, 'credentials'>;
  access: EntityAccess;
  prometheus: EntityPrometheus;
  alerts: EntityAlerts;
  querier: Querier;
  isCustomAllowed: boolean;
  isCallerVerified: boolean;
}

class Routes {
  constructor(private readonly options: RoutesOptions) {}

  router(): Router {
    const router = express.Router();
    router.use(express.json({ limit: MAX_BODY }));
    this.addPanels(router);
    this.addAlerts(router);
    this.addCustomQueries(router);
    return router;
  }

  private addPanels(router: Router): void {
    const { prometheus } = this.options;
    router.get(
      `${ENTITY}/panels`,
      this.answered(async (request, signal) => {
        const { entity } = await this.seen(request, signal);
        return prometheus.panels(entity);
      }),
    );
    router.post(
      `${ENTITY}/panels/:panel/range`,
      this.answered(async (request, signal) => {
        const range = parseBody(bodies.range, request.body);
        const { entity, caller } = await this.seen(request, signal);
        const { panel } = request.params;
        return prometheus.panelRange(entity, panel, range, caller);
      }),
    );
    router.post(
      `${ENTITY}/panels/:panel/instant`,
      this.answered(async (request, signal) => {
        parseBody(bodies.instant, request.body);
        const { entity, caller } = await this.seen(request, signal);
        return prometheus.panelInstant(entity, request.params.panel, caller);
      }),
    );
    router.post(
      `${ENTITY}/panels/:panel/exemplars`,
      this.answered(async (request, signal) => {
        const range = parseBody(bodies.exemplars, request.body);
        const { entity, caller } = await this.seen(request, signal);
        const { panel } = request.params;
        return prometheus.panelExemplars(entity, panel, range, caller);
      }),
    );
  }

  private addAlerts(router: Router): void {
    const { alerts } = this.options;
    router.get(
      `${ENTITY}/alerts`,
      this.answered(async (request, signal) => {
        const { entity, caller } = await this.seenAlerts(request, signal);
        return alerts.list(entity, caller);
      }),
    );
    router.post(
      `${ENTITY}/alerts`,
      this.answered(async (request, signal) => {
        const { names } = parseBody(bodies.alerts, request.body);
        const seen = await this.seenAlerts(request, signal, names);
        return alerts.list(seen.entity, seen.caller, names);
      }),
    );
    router.post(
      `${ENTITY}/alerts/:rule/range`,
      this.answered(async (request, signal) => {
        const { names, ...range } = parseBody(bodies.alertRange, request.body);
        const { rule } = request.params;
        const seen = await this.seenAlerts(request, signal, names);
        return alerts.range(seen.entity, rule, range, seen.caller, names);
      }),
    );
  }

  private addCustomQueries(router: Router): void {
    const { prometheus, querier } = this.options;
    router.post(
      `${ENTITY}/query/range`,
      this.answered(async (request, signal) => {
        const { query, ...range } = parseBody(
          bodies.entityRangeQuery,
          request.body,
        );
        await this.assertCustom(request);
        const { entity, caller } = await this.seen(request, signal);
        return prometheus.customRange(entity, query, range, caller);
      }),
    );
    router.post(
      `${ENTITY}/query/instant`,
      this.answered(async (request, signal) => {
        const { query } = parseBody(bodies.entityInstantQuery, request.body);
        await this.assertCustom(request);
        const { entity, caller } = await this.seen(request, signal);
        return prometheus.customInstant(entity, query, caller);
      }),
    );
    router.get(
      '/instances',
      this.answered(async request => {
        await this.assertFree(request);
        return { instances: querier.instances.names };
      }),
    );
    router.post(
      '/query/range',
      this.answered(async (request, signal) => {
        const body = parseBody(bodies.rangeQuery, request.body);
        const caller = callerOf(await this.assertFree(request), signal);
        const instance = this.free(body.instance);
        return querier.queryRange({ ...body, ...caller, instance });
      }),
    );
    router.post(
      '/query/instant',
      this.answered(async (request, signal) => {
        const body = parseBody(bodies.instantQuery, request.body);
        const caller = callerOf(await this.assertFree(request), signal);
        const instance = this.free(body.instance);
        return querier.query({ ...body, ...caller, instance });
      }),
    );
  }

  /** The entity of the path, if whoever asks may see that of it. */
  private async seen(
    request: Request,
    signal: AbortSignal,
    permission = prometheusPanelReadPermission,
  ): Promise<{ entity: Entity; caller: Caller }> {
    const { access } = this.options;
    const credentials = await this.credentials(request);
    const { kind, namespace, name } = request.params;
    const ref = { kind, namespace, name };
    return {
      entity: await access.read(ref, permission, credentials, signal),
      caller: callerOf(credentials, signal),
    };
  }

  /** As {@link seen}, where other alerts than those of the annotation are custom queries. */
  private async seenAlerts(
    request: Request,
    signal: AbortSignal,
    names?: 'all' | string[],
  ): Promise<{ entity: Entity; caller: Caller }> {
    const found = await this.seen(
      request,
      signal,
      prometheusAlertReadPermission,
    );
    if (names && !this.options.alerts.asksFor(found.entity, names)) {
      await this.assertCustom(request);
    }
    return found;
  }

  /**
   * Answers with JSON within `limits.timeout`; failures are for the error handler of whoever mounts
   * the router, except where nobody is left to hear of them.
   */
  private answered(
    produce: (request: Request, signal: AbortSignal) => Promise<object>,
  ): RequestHandler {
    const { timeout } = this.options.querier.limits;
    return (request, response, next) => {
      withinRequest(request, response, timeout, signal =>
        produce(request, signal),
      ).then(
        body => response.json(body),
        (error: unknown) =>
          error instanceof ClientGoneError ? undefined : next(error),
      );
    };
  }

  private credentials(request: Request): Promise<CallerCredentials> {
    return this.options.httpAuth.credentials(request, {
      allow: ['user', 'service'],
    });
  }

  private async assertCustom(request: Request): Promise<CallerCredentials> {
    const { access, isCustomAllowed } = this.options;
    const credentials = await this.credentials(request);
    if (!isCustomAllowed) {
      throw new NotAllowedError(
        'Queries of your own are switched off; prometheus.customQueries: true switches them on',
      );
    }
    await access.assertMay(prometheusQueryCustomPermission, credentials);
    return credentials;
  }

  /** Without an entity the catalog does not look at who asks. */
  private async assertFree(request: Request): Promise<CallerCredentials> {
    if (!this.options.isCallerVerified) {
      throw new NotAllowedError(
        'Without an entity it is not known who asks: createRouter needs httpAuth, catalog and permissions for that, or the permission framework',
      );
    }
    return this.assertCustom(request);
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
  { principal }: CallerCredentials,
  signal: AbortSignal,
): Required<Caller> {
  return {
    user:
      principal.type === 'user' ? principal.userEntityRef : principal.subject,
    signal,
  };
}
