import './tracing';
import { createBackend } from '@backstage/backend-defaults';

const backend = createBackend();

backend.add(import('@nativestage/metrics'));
backend.add(import('@backstage/plugin-app-backend'));
backend.add(import('@backstage/plugin-auth-backend'));
backend.add(import('@backstage/plugin-auth-backend-module-guest-provider'));
backend.add(import('@backstage/plugin-catalog-backend'));
backend.add(
  import('@backstage/plugin-catalog-backend-module-scaffolder-entity-model'),
);
backend.add(import('@backstage/plugin-events-backend'));
backend.add(import('@backstage/plugin-scaffolder-backend'));
backend.add(import('@backstage/plugin-search-backend'));
backend.add(import('@backstage/plugin-search-backend-module-catalog'));
backend.add(import('@nativestage/backstage-plugin-prometheus-backend'));
backend.add(import('@nativestage/plugin-example-backend'));
backend.add(import('./traffic'));

backend.start();
