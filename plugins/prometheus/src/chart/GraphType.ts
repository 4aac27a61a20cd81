export type { GraphType } from '@nativestage/backstage-plugin-prometheus-common';
