import {
  configApiRef,
  createApiFactory,
  createComponentExtension,
  createPlugin,
  createRoutableExtension,
  createRouteRef,
  discoveryApiRef,
  fetchApiRef,
} from '@backstage/core-plugin-api';
import { DefaultPrometheusApi } from './api/DefaultPrometheusApi';
import { prometheusApiRef } from './api/PrometheusApi';

export const rootRouteRef = createRouteRef({ id: 'prometheus' });

/** What of Backstage the plugin's requests go through, and who answers them. */
export const prometheusApiFactory = createApiFactory({
  api: prometheusApiRef,
  deps: {
    configApi: configApiRef,
    discoveryApi: discoveryApiRef,
    fetchApi: fetchApiRef,
  },
  factory: dependencies => DefaultPrometheusApi.create(dependencies),
});

export const prometheusPlugin = createPlugin({
  id: 'prometheus',
  routes: { root: rootRouteRef },
  apis: [prometheusApiFactory],
});

/** The page of an entity: its alerts, and all its graphs over one range. */
export const EntityPrometheusContent = prometheusPlugin.provide(
  createRoutableExtension({
    name: 'EntityPrometheusContent',
    component: () =>
      import('./entity/EntityPrometheusContent').then(
        module => module.EntityPrometheusContent,
      ),
    mountPoint: rootRouteRef,
  }),
);

/** The alerts that an entity asks for. */
export const EntityPrometheusAlertCard = prometheusPlugin.provide(
  createComponentExtension({
    name: 'EntityPrometheusAlertCard',
    component: {
      lazy: () =>
        import('./entity/EntityPrometheusAlertCard').then(
          module => module.EntityPrometheusAlertCard,
        ),
    },
  }),
);

/** Every graph that an entity asks for, or one of a query of one's own. */
export const EntityPrometheusGraphCard = prometheusPlugin.provide(
  createComponentExtension({
    name: 'EntityPrometheusGraphCard',
    component: {
      lazy: () =>
        import('./entity/EntityPrometheusGraphCard').then(
          module => module.EntityPrometheusGraphCard,
        ),
    },
  }),
);

/** What an entity has in Prometheus at a glance: how many alerts, and a line for each graph. */
export const EntityPrometheusOverviewCard = prometheusPlugin.provide(
  createComponentExtension({
    name: 'EntityPrometheusOverviewCard',
    component: {
      lazy: () =>
        import('./entity/EntityPrometheusOverviewCard').then(
          module => module.EntityPrometheusOverviewCard,
        ),
    },
  }),
);

/** The graph of a query of one's own, on an entity's page or on any other. */
export const PrometheusGraph = prometheusPlugin.provide(
  createComponentExtension({
    name: 'PrometheusGraph',
    component: {
      lazy: () =>
        import('./graph/PrometheusGraph').then(
          module => module.PrometheusGraph,
        ),
    },
  }),
);

/** Alerts of one's own choice, on an entity's page. */
export const PrometheusAlertStatus = prometheusPlugin.provide(
  createComponentExtension({
    name: 'PrometheusAlertStatus',
    component: {
      lazy: () =>
        import('./entity/PrometheusAlertStatus').then(
          module => module.PrometheusAlertStatus,
        ),
    },
  }),
);
