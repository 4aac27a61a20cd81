export * from './api/PrometheusApi';
