import {
  counted,
  dashboard,
  graph,
  perBar,
  quantile,
  query,
  rate,
  ratio,
  row,
  table,
  top,
} from './builders.mjs';
import {
  ENVIRONMENT,
  environment,
  plugin,
  PLUGIN_SCOPE,
  SCOPE,
} from './scope.mjs';

const PUBLISHED = 'backstage_core_events_messages_published_total';
const PROCESSED = 'backstage_core_events_messages_processed_total';
const EVENT_DURATION = 'backstage_core_events_messages_duration_seconds';
const OPERATIONS = 'backstage_core_cache_operations_total';
const CACHE_DURATION = 'backstage_core_cache_operations_duration_seconds';

const TASK = '{{plugin}} {{taskId}}';

/**
 * Every plugin has metrics of its own for its tasks: `metric` is what their names end with. Their scope names
 * the plugin to choose by; over OTLP there is no such label, unless the receiver promotes it, and all are chosen.
 */
function taskRuns(metric, labels = '') {
  return `{__name__=~"backstage_plugin_.+_scheduler_task_runs_${metric}", ${SCOPE}, otel_scope_name=~"(backstage-plugin-$plugin)?"${labels}}`;
}

/** Before `rate` and the like take the name away, without which tasks of one id are one series. */
function withPlugin(expression) {
  return `label_replace(${expression}, "plugin", "$1", "__name__", "backstage_plugin_(.+)_scheduler_task_runs_.+")`;
}

function runs(labels) {
  return perBar(taskRuns('count_total', labels), 'plugin, taskId', withPlugin);
}

/** The latest of all instances, those of before a rollout too: a global task runs on one of them at a time. */
function sinceEnd(labels = '') {
  const ended = taskRuns('completed_timestamp_seconds', labels);
  return `time() - max by (${ENVIRONMENT}, plugin, taskId) (${withPlugin(`last_over_time(${ended}[3d])`)})`;
}

const scheduler = row(
  'Scheduled tasks',
  graph(
    'Runs',
    {
      unit: 'short',
      stacked: true,
      bars: true,
      description:
        'Runs that started, in number. A task that is missing: see when it last ended in the table below, and its plugin in the log.',
    },
    query(runs(', result="started"'), TASK),
  ),
  graph(
    'Failed runs',
    {
      unit: 'short',
      stacked: true,
      bars: true,
      description:
        'Runs that threw, in number. Empty is good. Else: the log of the plugin names the task and the error.',
    },
    query(runs(', result="failed"'), TASK),
  ),
  graph(
    'Duration, p95',
    {
      unit: 's',
      description:
        'Of the runs of the hour before. Near the time-out of the task it will be cut off: let it do less at a time, or raise the time-out.',
    },
    query(
      `histogram_quantile(0.95, ${counted(taskRuns('duration_seconds_bucket'), 'le, plugin, taskId', '1h', withPlugin)})`,
      TASK,
    ),
  ),
  table(
    'Time since the last end',
    {
      unit: 's',
      value: 'Since',
      w: 12,
      description:
        'Of any run, failed ones included, on any instance. Longer than the frequency of the task: it hangs or its worker is gone; restart the instance and look at its log.',
    },
    `topk(25, ${sinceEnd()})`,
  ),
  table(
    'Time since the last success',
    {
      unit: 's',
      value: 'Since',
      w: 12,
      description:
        'Of a run that did not fail, on any instance. Much longer than the time since the last end: it fails; the log says why.',
    },
    `topk(25, ${sinceEnd(', result="completed"')})`,
  ),
  graph(
    'Running now',
    {
      unit: 'short',
      w: 12,
      description:
        'Runs that have not ended, by plugin. One that stays is a task that hangs, until its time-out at the latest.',
    },
    query(
      `sum by (plugin) (backstage_core_scheduler_tasks_active{${PLUGIN_SCOPE}})`,
      '{{plugin}}',
    ),
  ),
  graph(
    'Scheduled by instance',
    {
      unit: 'short',
      w: 12,
      description:
        'Tasks that each instance has scheduled. All instances of one kind should have as many.',
    },
    query(
      `sum by (instance, scope) (backstage_core_scheduler_tasks_registered{${PLUGIN_SCOPE}})`,
      '{{instance}} {{scope}}',
    ),
  ),
);

const events = row(
  'Events',
  graph(
    'Published',
    {
      unit: 'ops',
      stacked: true,
      description:
        'Events by topic. None on a topic of webhooks: see how the source system fares with their delivery.',
    },
    query(rate(PUBLISHED, PLUGIN_SCOPE, 'topic'), '{{topic}}'),
  ),
  graph(
    'Failed',
    {
      unit: 'percentunit',
      description:
        'Events whose subscriber threw, of all that it was given. They are lost for it: see its log, and refresh what they were about.',
    },
    query(
      ratio(PROCESSED, PLUGIN_SCOPE, 'result="error"', [
        'plugin',
        'subscriber',
      ]),
      '{{plugin}} {{subscriber}}',
    ),
  ),
  graph(
    'Duration, p95',
    {
      unit: 's',
      description:
        'That subscribers take for an event, by plugin and topic. Seconds: let the subscriber put the work into a queue.',
    },
    query(
      quantile(0.95, EVENT_DURATION, PLUGIN_SCOPE, ['plugin', 'topic']),
      '{{plugin}} {{topic}}',
    ),
  ),
  table(
    'Processed',
    {
      unit: 'ops',
      value: 'Events',
      w: 24,
      description:
        'By topic, subscriber and result. A subscriber that is not here gets nothing: look at its topics.',
    },
    top(rate(PROCESSED, PLUGIN_SCOPE, 'plugin, topic, subscriber, result')),
  ),
);

const cache = row(
  'Cache',
  graph(
    'Operations',
    {
      unit: 'ops',
      stacked: true,
      description:
        'By plugin and operation. A plugin far above the others: let it ask for more at a time.',
    },
    query(
      rate(OPERATIONS, PLUGIN_SCOPE, 'plugin, operation'),
      '{{plugin}} {{operation}}',
    ),
  ),
  graph(
    'Hits',
    {
      unit: 'percentunit',
      max: 1,
      description:
        'Of all reads, by plugin. Low: it keeps things for too short, the store throws them out, or the keys differ each time.',
    },
    query(
      ratio(OPERATIONS, `${PLUGIN_SCOPE}, operation="get"`, 'result="hit"', [
        'plugin',
      ]),
      '{{plugin}}',
    ),
  ),
  graph(
    'Duration, p95',
    {
      unit: 's',
      description:
        'Of an operation. Above 10 ms with a store on the network: look at the network and the load of the store.',
    },
    query(
      quantile(0.95, CACHE_DURATION, PLUGIN_SCOPE, ['plugin', 'operation']),
      '{{plugin}} {{operation}}',
    ),
  ),
  graph(
    'Failed operations',
    {
      unit: 'short',
      stacked: true,
      bars: true,
      w: 24,
      description:
        'Operations that threw, in number, by plugin. Any: is the store reachable, is its memory full?',
    },
    query(
      perBar(
        `${OPERATIONS}{${PLUGIN_SCOPE}, result="error"}`,
        'plugin, operation',
      ),
      '{{plugin}} {{operation}}',
    ),
  ),
);

export default dashboard({
  uid: 'backstage-background',
  title: 'Scheduler, events, cache',
  description: 'What plugins do without being asked, and what they keep.',
  variables: [...environment, plugin],
  rows: [scheduler, events, cache],
});
