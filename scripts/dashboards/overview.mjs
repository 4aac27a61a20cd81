import {
  counted,
  dashboard,
  graph,
  perBar,
  quantile,
  quantiles,
  query,
  rate,
  ratio,
  row,
  stat,
  table,
  top,
} from './builders.mjs';
import {
  ENVIRONMENT,
  environment,
  INSTANCES,
  plugin,
  PLUGIN_SCOPE,
  SCOPE,
} from './scope.mjs';

const REQUESTS = 'backstage_core_http_requests_total';
const LATENCY = 'backstage_core_http_requests_duration_seconds';
const QUERIES = 'backstage_core_database_queries_duration_seconds';
const ACQUIRES = 'backstage_core_database_connections_acquire_duration_seconds';
const RUNTIME = 'backstage_core_runtime';

const FAILED = 'http_response_status_class="5xx"';
const PROBES = '/[.]backstage/health/.*';
/** Nobody waits for probes, and they outnumber people at night. */
const ASKED = `${PLUGIN_SCOPE}, http_route!~"${PROBES}"`;
/** Some routes are held open on purpose as well: log streams, and the long polls of the event bus. */
const ANSWERED = `${PLUGIN_SCOPE}, http_route!~"${PROBES}|.*/(eventstream|bus/v1/subscriptions/.*)"`;

const BY_INSTANCE = '{{instance}}';
const BY_PLUGIN = '{{plugin}}';

function connections(state) {
  return `sum by (plugin) (backstage_core_database_connections_${state}{${PLUGIN_SCOPE}})`;
}

/** The fullest of all pools: summed up, a full one hides behind an idle one. */
function fullest() {
  const labels = `${ENVIRONMENT}, instance, plugin`;
  const sum = state =>
    `sum by (${labels}) (backstage_core_database_connections_${state}{${PLUGIN_SCOPE}})`;
  return `max by (plugin) (${sum('active')} / ${sum('limit')})`;
}

const health = row(
  'Health',
  stat(
    'Instances',
    {
      unit: 'short',
      good: 1,
      description:
        'Instances whose metrics arrive. Fewer than you run: see which targets are down in Prometheus, under Status.',
    },
    `count(count by (${ENVIRONMENT}, instance) (${INSTANCES})) or vector(0)`,
  ),
  stat(
    'Requests',
    {
      unit: 'reqps',
      description:
        'HTTP requests answered, without probes of health. None at all while people use Backstage: look at what is in front of it.',
    },
    `sum(rate(${REQUESTS}{${ASKED}}[$__rate_interval]))`,
  ),
  stat(
    'Errors',
    {
      unit: 'percentunit',
      bad: [0.01, 0.05],
      description:
        'Requests answered with 5xx, of all. Find the plugin and the route below, then its error in the log.',
    },
    ratio(REQUESTS, ASKED, FAILED),
  ),
  stat(
    'Latency, p95',
    {
      unit: 's',
      bad: [1, 2.5],
      description:
        'One request in twenty takes longer, without those that are held open. Compare with the event loop and the database below.',
    },
    quantile(0.95, LATENCY, ANSWERED),
  ),
  stat(
    'Event loop delay, p99',
    {
      unit: 's',
      bad: [0.1, 0.25],
      description:
        'Of the worst instance. High: something computes for long without a pause; take a CPU profile.',
    },
    `max(${RUNTIME}_nodejs_eventloop_delay_p99_seconds{${SCOPE}})`,
  ),
  stat(
    'Waiting for a connection',
    {
      unit: 'short',
      bad: [1, 10],
      description:
        'Requests for a database connection that wait. Above 0 for long: look for slow queries, then raise the pool.',
    },
    `sum(backstage_core_database_connections_pending{${PLUGIN_SCOPE}})`,
  ),
);

const http = row(
  'HTTP requests',
  graph(
    'Requests by plugin',
    {
      unit: 'reqps',
      stacked: true,
      description:
        'Requests answered per second. Without a plugin are those outside of /api. A plugin that jumps: see its routes below for who asks for what.',
    },
    query(rate(REQUESTS, ASKED, 'plugin'), BY_PLUGIN),
  ),
  graph(
    'Errors by plugin',
    {
      unit: 'percentunit',
      description:
        'Requests answered with 5xx, of all of the plugin. Look for the plugin in the log; was there a deployment?',
    },
    query(ratio(REQUESTS, ASKED, FAILED, ['plugin']), BY_PLUGIN),
  ),
  graph(
    'Latency by plugin, p95',
    {
      unit: 's',
      description:
        'Without requests that are held open. One plugin: its queries or a service it calls. All: the event loop or the machine.',
    },
    query(quantile(0.95, LATENCY, ANSWERED, ['plugin']), BY_PLUGIN),
  ),
  graph(
    'Requests by outcome',
    {
      unit: 'reqps',
      stacked: true,
      description:
        'By class of the status. Many "aborted": clients or the proxy give up before the answer; compare their time-outs with the latency.',
    },
    query(
      rate(REQUESTS, ASKED, 'http_response_status_class'),
      '{{http_response_status_class}}',
    ),
  ),
  graph(
    'Requests in flight',
    {
      unit: 'short',
      description:
        'Being answered at this moment, held-open ones included. A rise without more requests: answers hang, most often on the database or on a service behind.',
    },
    query(
      `sum by (instance) (backstage_core_http_requests_active{${SCOPE}})`,
      BY_INSTANCE,
    ),
  ),
  graph(
    'Latency',
    {
      unit: 's',
      description:
        'Of all plugins, without requests that are held open. p99 alone high: a few slow routes, see below.',
    },
    ...quantiles(LATENCY, ANSWERED, { of: [0.5, 0.95, 0.99] }),
  ),
  table(
    'Busiest routes',
    {
      unit: 'reqps',
      value: 'Requests',
      w: 8,
      description:
        'Where the requests go. A route that should not be here: find its caller and cache or limit it.',
    },
    top(rate(REQUESTS, ASKED, 'plugin, http_request_method, http_route')),
  ),
  table(
    'Slowest routes, p95',
    {
      unit: 's',
      value: 'Latency',
      w: 8,
      description:
        'Where the time goes. Trace one request of the first, or log its queries.',
    },
    top(
      quantile(0.95, LATENCY, ANSWERED, [
        'plugin',
        'http_request_method',
        'http_route',
      ]),
    ),
  ),
  table(
    'Routes with errors',
    {
      unit: 'short',
      value: 'Errors',
      w: 8,
      description:
        'Requests answered with 5xx within the time shown. Empty is good. Else: the log of the plugin has the errors.',
    },
    top(
      counted(
        `${REQUESTS}{${ASKED}, ${FAILED}}`,
        'plugin, http_request_method, http_route',
      ),
    ),
  ),
);

const runtime = row(
  'Event loop and process',
  graph(
    'Event loop delay',
    {
      unit: 's',
      description:
        'How late timers are, between two collections; 10 ms is an idle loop. High: synchronous work; take a CPU profile, move it to a worker thread, or add instances.',
    },
    ...['p50', 'p99', 'max'].map(which =>
      query(
        `max by (instance) (${RUNTIME}_nodejs_eventloop_delay_${which}_seconds{${SCOPE}})`,
        `${BY_INSTANCE} ${which}`,
      ),
    ),
  ),
  graph(
    'Event loop utilisation',
    {
      unit: 'percentunit',
      max: 1,
      description:
        'The part of the time in which the loop was busy. Above 80 % for long: add instances, whatever the CPU says.',
    },
    query(
      `max by (instance) (${RUNTIME}_nodejs_eventloop_utilization_ratio{${SCOPE}})`,
      BY_INSTANCE,
    ),
  ),
  graph(
    'CPU',
    {
      unit: 'short',
      description:
        'Cores in use. Above 1 the garbage collector and worker threads have their part. At the limit of the container it is throttled: raise the limit.',
    },
    query(
      rate(`${RUNTIME}_process_cpu_time_seconds_total`, SCOPE, 'instance'),
      BY_INSTANCE,
    ),
  ),
  graph(
    'Memory',
    {
      unit: 'bytes',
      description:
        'Of the process, and of the JavaScript heap in it. A heap that only grows: take a heap snapshot. Near the limit of the container: raise it, or lower --max-old-space-size.',
    },
    query(
      `max by (instance) (${RUNTIME}_process_memory_usage_bytes{${SCOPE}})`,
      `${BY_INSTANCE} process`,
    ),
    query(
      `sum by (instance) (${RUNTIME}_v8js_memory_heap_used_bytes{${SCOPE}})`,
      `${BY_INSTANCE} heap in use`,
    ),
    query(
      `sum by (instance) (${RUNTIME}_v8js_memory_heap_space_size_bytes{${SCOPE}})`,
      `${BY_INSTANCE} heap`,
    ),
  ),
  graph(
    'Garbage collection',
    {
      unit: 'percentunit',
      description:
        'The part of the time that it takes, by kind. Above 10 %: the heap is too small for what is in it; raise --max-old-space-size, then look for what holds the memory.',
    },
    query(
      rate(
        `${RUNTIME}_v8js_gc_duration_seconds_sum`,
        SCOPE,
        'instance, v8js_gc_type',
      ),
      `${BY_INSTANCE} {{v8js_gc_type}}`,
    ),
  ),
  graph(
    'Handles',
    {
      unit: 'short',
      stacked: true,
      description:
        'What keeps the event loop alive, by type. Sockets or timers that only grow are a leak.',
    },
    query(`sum by (type) (${RUNTIME}_process_handles{${SCOPE}})`, '{{type}}'),
  ),
);

const database = row(
  'Database',
  graph(
    'Connections in use',
    {
      unit: 'percentunit',
      max: 1,
      description:
        'Of those that a pool may open, by plugin, on the instance where it is fullest. At 100 % queries wait; see the next panel. With SQLite a pool is one connection.',
    },
    query(fullest(), BY_PLUGIN),
  ),
  graph(
    'Waiting for a connection',
    {
      unit: 'short',
      description:
        'Requests that wait because the pool is exhausted. Look for slow queries first; then raise backend.database.knexConfig.pool.max, below what the server allows.',
    },
    query(connections('pending'), BY_PLUGIN),
  ),
  graph(
    'Wait for a connection, p95',
    {
      unit: 's',
      description:
        'How long it took to get a connection. High without waiting requests: opening connections is slow; keep idle ones with pool.min.',
    },
    query(quantile(0.95, ACQUIRES, PLUGIN_SCOPE, ['plugin']), BY_PLUGIN),
  ),
  graph(
    'Queries',
    {
      unit: 'ops',
      stacked: true,
      description:
        'Queries per second. A plugin far above the others: look for a loop that queries.',
    },
    query(rate(`${QUERIES}_count`, PLUGIN_SCOPE, 'plugin'), BY_PLUGIN),
  ),
  graph(
    'Query duration, p95',
    {
      unit: 's',
      description:
        'By plugin. High: look at the slow query log of the database, and at its load.',
    },
    query(quantile(0.95, QUERIES, PLUGIN_SCOPE, ['plugin']), BY_PLUGIN),
  ),
  graph(
    'Failed queries and time-outs',
    {
      unit: 'short',
      bars: true,
      description:
        'In number: queries that the database refused, and requests that got no connection. The log of the plugin has the errors; some plugins try an insert and expect it to fail.',
    },
    query(
      perBar(`${QUERIES}_count{${PLUGIN_SCOPE}, result="error"}`, 'plugin'),
      `${BY_PLUGIN} failed`,
    ),
    query(
      perBar(
        `backstage_core_database_connections_failures_total{${PLUGIN_SCOPE}}`,
        'plugin',
      ),
      `${BY_PLUGIN} without a connection`,
    ),
  ),
);

const instances = row(
  'Instances',
  graph(
    'Up',
    {
      unit: 'bool_on_off',
      max: 1,
      description:
        'Whether metrics arrive. Down while the backend answers: check the host, the port and the token of the exporter.',
    },
    // Over OTLP there is no `up`, and an instance that is gone has no line.
    query(
      `max by (instance) (up{${SCOPE}} and on (${ENVIRONMENT}) last_over_time(${INSTANCES}[1d]) or on (${ENVIRONMENT}, instance) ${INSTANCES})`,
      BY_INSTANCE,
    ),
  ),
  graph(
    'Uptime',
    {
      unit: 's',
      description:
        'A saw has short teeth: the backend restarts again and again. Read the last lines of its log; the exit code 134 is a heap that was full.',
    },
    query(
      `max by (instance) (${RUNTIME}_process_uptime_seconds{${SCOPE}})`,
      BY_INSTANCE,
    ),
  ),
  graph(
    'Late collections',
    {
      unit: 'short',
      description:
        'Collections that went on without an event loop because it did not answer in time. It was blocked for as long as that: see its delay above.',
    },
    query(
      `sum by (instance) (increase(nativestage_metrics_collections_late_total{${SCOPE}}[$__rate_interval]))`,
      BY_INSTANCE,
    ),
  ),
);

export default dashboard({
  uid: 'backstage-overview',
  title: 'Overview',
  description: 'Whether Backstage answers, how fast, and what holds it up.',
  variables: [...environment, plugin],
  rows: [health, http, runtime, database, instances],
});
