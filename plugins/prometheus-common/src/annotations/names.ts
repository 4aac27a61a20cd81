/** Queries or recording rules to draw, each with an optional dimension: `query|dimension,query`. */
export const RULE_ANNOTATION = 'prometheus.io/rule';

/** Names of alerts to list, or `all`. */
export const ALERT_ANNOTATION = 'prometheus.io/alert';

/** Labels that alerts must have: `environment=production,service=api`. */
export const LABELS_ANNOTATION = 'prometheus.io/labels';

/** The configured Prometheus instance that serves the entity, or several with commas between them. */
export const SERVICE_NAME_ANNOTATION = 'prometheus.io/service-name';

/** Graphs with their titles, units and looks: a list in YAML. They follow those of {@link RULE_ANNOTATION}. */
export const PANELS_ANNOTATION = 'prometheus.io/panels';
