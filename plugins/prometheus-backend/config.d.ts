export interface Config {
  /** The Prometheus plugin. */
  prometheus?: object;
}
