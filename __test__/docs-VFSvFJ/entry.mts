
import { createBackend } from '@backstage/backend-defaults';
const backend = createBackend();
backend.add(import('@backstage/plugin-catalog-backend'));
backend.add(import('@nativestage/backstage-plugin-prometheus-backend'));
backend.start();
