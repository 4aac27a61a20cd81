import {
  ApiBlueprint,
  createFrontendPlugin,
} from '@backstage/frontend-plugin-api';
import {
  EntityCardBlueprint,
  EntityContentBlueprint,
} from '@backstage/plugin-catalog-react/alpha';
import { GRAPH_TYPES } from '@nativestage/backstage-plugin-prometheus-common';
import { z } from 'zod';
import {
  hasAlerts,
  hasGraphs,
  isPrometheusAvailable,
} from './entity/isPrometheusAvailable';
import { prometheusApiFactory, rootRouteRef } from './plugin';

/** As the properties of the components; `{ hours: 6 }` and the like. */
const graphOptions = {
  range: z
    .strictObject({
      hours: z.number().positive().optional(),
      minutes: z.number().positive().optional(),
    })
    .optional(),
  /** Seconds. */
  step: z.number().int().positive().optional(),
  graphType: z.enum(GRAPH_TYPES).optional(),
};

const alertOptions = {
  showAnnotations: z.boolean().optional(),
  showLabels: z.boolean().optional(),
  showInactiveAlerts: z.boolean().optional(),
};

/** Seconds. */
const refresh = z.number().positive().optional();

const prometheusApi = ApiBlueprint.make({
  params: defineParams => defineParams(prometheusApiFactory),
});

const entityContent = EntityContentBlueprint.makeWithOverrides({
  configSchema: { ...graphOptions, ...alertOptions },
  factory: (original, { config }) =>
    original({
      path: '/prometheus',
      title: 'Prometheus',
      group: 'observability',
      routeRef: rootRouteRef,
      filter: isPrometheusAvailable,
      loader: async () => {
        const { EntityPrometheusContent } =
          await import('./entity/EntityPrometheusContent');
        return (
          <EntityPrometheusContent
            range={config.range}
            step={config.step}
            graphType={config.graphType}
            showAlertsAnnotations={config.showAnnotations}
            showAlertsLabels={config.showLabels}
            showInactiveAlerts={config.showInactiveAlerts}
          />
        );
      },
    }),
});

const alertCard = EntityCardBlueprint.makeWithOverrides({
  name: 'alerts',
  configSchema: { ...alertOptions, title: z.string().optional(), refresh },
  factory: (original, { config }) =>
    original({
      filter: hasAlerts,
      loader: async () => {
        const { EntityPrometheusAlertCard } =
          await import('./entity/EntityPrometheusAlertCard');
        const { title, showAnnotations, showLabels, showInactiveAlerts } =
          config;
        return (
          <EntityPrometheusAlertCard
            title={title}
            showAnnotations={showAnnotations}
            showLabels={showLabels}
            showInactiveAlerts={showInactiveAlerts}
            refresh={config.refresh}
          />
        );
      },
    }),
});

/** Every graph in full is much for an overview: whoever wants that switches it on. */
const graphCard = EntityCardBlueprint.makeWithOverrides({
  name: 'graph',
  disabled: true,
  configSchema: {
    ...graphOptions,
    refresh,
    title: z.string().optional(),
    query: z.string().optional(),
    enableQueryTemplating: z.boolean().optional(),
  },
  factory: (original, { config }) =>
    original({
      filter: entity => config.query !== undefined || hasGraphs(entity),
      loader: async () => {
        const { EntityPrometheusGraphCard } =
          await import('./entity/EntityPrometheusGraphCard');
        const { range, step, graphType, title, query } = config;
        return (
          <EntityPrometheusGraphCard
            range={range}
            step={step}
            graphType={graphType}
            title={title}
            query={query}
            enableQueryTemplating={config.enableQueryTemplating}
            refresh={config.refresh}
          />
        );
      },
    }),
});

const overviewCard = EntityCardBlueprint.makeWithOverrides({
  name: 'overview',
  configSchema: {
    range: graphOptions.range,
    refresh,
    title: z.string().optional(),
    maxGraphs: z.number().int().positive().optional(),
    path: z.string().optional(),
  },
  factory: (original, { config }) =>
    original({
      filter: isPrometheusAvailable,
      loader: async () => {
        const { EntityPrometheusOverviewCard } =
          await import('./entity/EntityPrometheusOverviewCard');
        const { range, title, maxGraphs, path } = config;
        return (
          <EntityPrometheusOverviewCard
            range={range}
            refresh={config.refresh}
            title={title}
            maxGraphs={maxGraphs}
            path={path}
          />
        );
      },
    }),
});

/** Graphs and alerts from Prometheus on the pages of entities, for the new frontend system. */
export default createFrontendPlugin({
  pluginId: 'prometheus',
  title: 'Prometheus',
  routes: { root: rootRouteRef },
  extensions: [
    prometheusApi,
    entityContent,
    overviewCard,
    alertCard,
    graphCard,
  ],
});

// For pages of an app's own, such as a home page: with `entityRef` or `instance` they need no entity's page.
export { EntityPrometheusAlertCard } from './entity/EntityPrometheusAlertCard';
export { EntityPrometheusGraphCard } from './entity/EntityPrometheusGraphCard';
export { EntityPrometheusOverviewCard } from './entity/EntityPrometheusOverviewCard';
export { PrometheusGraph } from './graph/PrometheusGraph';
