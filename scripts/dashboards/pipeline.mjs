import {
  counted,
  dashboard,
  graph,
  mean,
  perBar,
  query,
  rate,
  row,
  stat,
  table,
  top,
} from './builders.mjs';
import { ENVIRONMENT, environment, INSTANCES, SCOPE } from './scope.mjs';

const COLLECTION = 'otel_sdk_metric_reader_collection_duration_seconds';
const EXPORT = 'otel_sdk_exporter_operation_duration_seconds';
const EXPORTED = 'otel_sdk_exporter_metric_data_point_exported_total';
const INFLIGHT = 'otel_sdk_exporter_metric_data_point_inflight';
const LATE = 'nativestage_metrics_collections_late_total';
const DROPPED = 'nativestage_metrics_measurements_dropped_total';

const FAILED = 'error_type!=""';
/** Superseded values are of cumulative series: later ones say the same and more. */
const LOST = 'error_type!~"|superseded"';
const BY_INSTANCE = '{{instance}}';

/** A histogram once, by the name of its count. */
const SERIES = '__name__!~".+_(bucket|sum)"';

const ALL = `{__name__=~"(backstage|otel|nativestage)_.+", ${SCOPE}}`;

/** Counters of failures are not there before the first. */
function orNothing(expression) {
  return `${expression} or vector(0)`;
}

const summary = row(
  'Summary',
  stat(
    'Instances',
    {
      unit: 'short',
      good: 1,
      description:
        'Instances whose metrics arrive. Fewer than you run: host, port or token; see Status, Targets in Prometheus.',
    },
    orNothing(`count(count by (${ENVIRONMENT}, instance) (${INSTANCES}))`),
  ),
  stat(
    'Late collections',
    {
      unit: 'short',
      bad: [1, 10],
      description:
        'Within the time shown, collections that went on without an event loop: it was blocked for that long.',
    },
    orNothing(counted(`${LATE}{${SCOPE}}`, '')),
  ),
  stat(
    'Lost data points',
    {
      unit: 'short',
      bad: [1, 1000],
      description:
        'Within the time shown, over OTLP. The log has the endpoint and the reason, the panels below its kind.',
    },
    orNothing(counted(`${EXPORTED}{${SCOPE}, ${LOST}}`, '')),
  ),
  stat(
    'Dropped measurements',
    {
      unit: 'short',
      bad: [1, 1000],
      description:
        'Within the time shown: values that were no numbers, or attributes that were none. The log names the instrument once.',
    },
    orNothing(counted(`${DROPPED}{${SCOPE}}`, '')),
  ),
  stat(
    'Metrics at their limit',
    {
      unit: 'short',
      bad: [1, 5],
      description:
        'Metrics with more series than cardinalityLimit. The table below names them.',
    },
    orNothing(
      `count(count by (__name__) ({otel_metric_overflow="true", ${SERIES}, ${SCOPE}}))`,
    ),
  ),
  stat(
    'Series',
    {
      unit: 'short',
      description:
        'Of all instances, as Prometheus counts them. Twice as many as needed while naming.legacyNames is on.',
    },
    `count(${ALL})`,
  ),
);

const collections = row(
  'Collections',
  graph(
    'Mean duration',
    {
      unit: 's',
      description:
        'Of a collection, with the wait for the event loops. High: an event loop that is slow to answer; or a callback of an observable instrument that is, such as a query.',
    },
    query(
      mean(COLLECTION, SCOPE, ['instance', 'otel_component_type']),
      '{{instance}} {{otel_component_type}}',
    ),
  ),
  graph(
    'Collections',
    {
      unit: 'ops',
      description:
        'By reader. More pages than your scrape interval gives: somebody else reads them too, and each read costs a collection.',
    },
    query(
      rate(`${COLLECTION}_count`, SCOPE, 'otel_component_type'),
      '{{otel_component_type}}',
    ),
  ),
  graph(
    'Late collections',
    {
      unit: 'short',
      description:
        'Collections that went on without an event loop. Their page has the values of the one before; look at the event loop delay.',
    },
    query(
      `sum by (instance) (increase(${LATE}{${SCOPE}}[$__rate_interval]))`,
      BY_INSTANCE,
    ),
  ),
  graph(
    'Scrape duration',
    {
      unit: 's',
      w: 12,
      description:
        'As Prometheus sees it, network included; none over OTLP. Near the scrape_timeout: raise that, or have fewer series.',
    },
    query(`max by (instance) (scrape_duration_seconds{${SCOPE}})`, BY_INSTANCE),
  ),
  graph(
    'Series',
    {
      unit: 'short',
      w: 12,
      description:
        'By instance. A line that climbs all day: an attribute whose values never end, such as a name or an id.',
    },
    query(`count by (instance) (${ALL})`, BY_INSTANCE),
  ),
);

const exports = row(
  'Export over OTLP',
  graph(
    'Data points',
    {
      unit: 'ops',
      description:
        'Delivered, without an error, or lost, by the kind of error: "refused" and "rejected" by the collector, "overflow" while it could not be reached. "superseded" ones were followed by later values.',
    },
    query(
      rate(EXPORTED, SCOPE, 'otel_component_type, error_type'),
      '{{otel_component_type}} {{error_type}}',
    ),
  ),
  graph(
    'Failed exports',
    {
      unit: 'short',
      stacked: true,
      bars: true,
      description:
        'In number, by error: the status of the last answer, or what became of the connection. 401 and 403: the headers; connection_refused: the endpoint; timeout: the load of the collector.',
    },
    query(
      perBar(`${EXPORT}_count{${SCOPE}, ${FAILED}}`, 'error_type'),
      '{{error_type}}',
    ),
  ),
  graph(
    'Mean duration',
    {
      unit: 's',
      description:
        'Of an export, with its attempts and the pauses between them. Near the interval of exports: look at the collector and the network.',
    },
    query(
      mean(EXPORT, SCOPE, ['server_address', 'server_port']),
      '{{server_address}}:{{server_port}}',
    ),
  ),
  graph(
    'Data points in flight',
    {
      unit: 'short',
      w: 24,
      description:
        'Collected, and neither delivered nor lost. Growing: the collector cannot be reached; beyond a limit the oldest are lost.',
    },
    query(`sum by (instance) (${INFLIGHT}{${SCOPE}})`, BY_INSTANCE),
  ),
);

const measurements = row(
  'Measurements',
  table(
    'Dropped',
    {
      unit: 'short',
      value: 'Dropped',
      description:
        'By instrument and reason, within the time shown. Empty is good. Else: whoever makes the instrument records NaN, a negative count or an attribute that is an object.',
    },
    top(counted(`${DROPPED}{${SCOPE}}`, 'instrument, reason')),
  ),
  table(
    'At their limit',
    {
      unit: 'short',
      value: 'Overflowing',
      description:
        'Metrics whose further series share one. Find the attribute without an end and leave it out by a view, or raise cardinalityLimit.',
    },
    `topk(15, count by (instance, __name__) ({otel_metric_overflow="true", ${SERIES}, ${SCOPE}}))`,
  ),
  table(
    'Metrics with the most series',
    {
      unit: 'short',
      value: 'Series',
      w: 24,
      description:
        'What fills the pages. Attributes that nobody asks for can be left out by a view.',
    },
    `topk(20, count by (__name__) (${ALL}))`,
  ),
);

export default dashboard({
  uid: 'backstage-metrics-pipeline',
  title: 'Metrics pipeline',
  description:
    'Whether the metrics themselves arrive: collections, pages, exports, and what is dropped.',
  variables: environment,
  rows: [summary, collections, exports, measurements],
});
