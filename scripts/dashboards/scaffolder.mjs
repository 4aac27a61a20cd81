import {
  counted,
  dashboard,
  graph,
  perBar,
  query,
  rareQuantile,
  ratio,
  row,
  stat,
  table,
  top,
  variable,
} from './builders.mjs';
import { environment, SCOPE } from './scope.mjs';

const TASKS = 'backstage_plugin_scaffolder_tasks_completed_total';
const TASK_DURATION = 'backstage_plugin_scaffolder_tasks_duration_seconds';
const STEPS = 'backstage_plugin_scaffolder_steps_completed_total';
const STEP_DURATION = 'backstage_plugin_scaffolder_steps_duration_seconds';

const template = variable('template', `${TASKS}{${SCOPE}}`);
const SELECTED = `${SCOPE}, template=~"$template"`;
const FAILED = 'result="failed"';

/** Tasks are rare: their number within the time shown says more than a rate. */
function number(counter, selector, by = '') {
  return counted(`${counter}{${selector}}`, by);
}

/** For graphs, where a task a minute ago has to be in sight. */
const HOUR = '1h';

const summary = row(
  'Summary',
  stat(
    'Tasks',
    {
      unit: 'short',
      description:
        'That ended within the time shown. None although people start some: the workers hang; look at the log of the scaffolder.',
    },
    number(TASKS, SELECTED),
  ),
  stat(
    'Failed tasks',
    {
      unit: 'short',
      bad: [1, 10],
      description:
        'Within the time shown. The steps below say where; the log of the task says why.',
    },
    `${number(TASKS, `${SELECTED}, ${FAILED}`)} or ${number(TASKS, SELECTED)} * 0`,
  ),
  stat(
    'Duration, median',
    {
      unit: 's',
      description:
        'Of a task within the time shown. Minutes: people watch it; see which step takes them.',
    },
    rareQuantile(0.5, TASK_DURATION, SELECTED, []),
  ),
  stat(
    'Duration, p95',
    {
      unit: 's',
      description:
        'Of a task within the time shown. Far above the median: a step waits for something at times.',
    },
    rareQuantile(0.95, TASK_DURATION, SELECTED, []),
  ),
);

const tasks = row(
  'Tasks',
  graph(
    'Ended tasks by result',
    {
      unit: 'short',
      stacked: true,
      bars: true,
      description:
        '"ok", "failed" and "cancelled", in number. Failures that begin at one moment: a deployment, or a credential that ran out.',
    },
    query(perBar(`${TASKS}{${SELECTED}}`, 'result'), '{{result}}'),
  ),
  graph(
    'Failures by template',
    {
      unit: 'percentunit',
      description:
        'Failed tasks, of all that ended within the hour before. One template: its owner; all: what they share, such as access to source control.',
    },
    query(ratio(TASKS, SELECTED, FAILED, ['template'], HOUR), '{{template}}'),
  ),
  graph(
    'Duration by template',
    {
      unit: 's',
      description:
        'Median and p95 of the tasks of the hour before. The table of steps below says where the time goes.',
    },
    ...[0.5, 0.95].map(q =>
      query(
        rareQuantile(q, TASK_DURATION, SELECTED, ['template'], HOUR),
        `{{template}} p${q * 100}`,
      ),
    ),
  ),
  table(
    'Tasks by template',
    {
      unit: 'short',
      value: 'Tasks',
      w: 24,
      description:
        'What people use, within the time shown, and what came of it. A template that nobody uses can go.',
    },
    top(number(TASKS, SELECTED, 'template, result')),
  ),
);

const steps = row(
  'Steps',
  graph(
    'Ended steps by result',
    {
      unit: 'short',
      stacked: true,
      bars: true,
      w: 24,
      description:
        '"ok", "failed", "cancelled" and "skipped", in number. Skipped are those whose condition did not hold.',
    },
    query(perBar(`${STEPS}{${SELECTED}}`, 'result'), '{{result}}'),
  ),
  table(
    'Failing steps',
    {
      unit: 'short',
      value: 'Failures',
      description:
        'Within the time shown. Empty is good. Else begin with the first: open one of its tasks and read the log.',
    },
    top(number(STEPS, `${SELECTED}, ${FAILED}`, 'template, step')),
  ),
  table(
    'Slowest steps, p95',
    {
      unit: 's',
      value: 'Duration',
      description:
        'Where templates spend their time, within the time shown. Fetching and publishing depend on source control; compare with its status.',
    },
    top(rareQuantile(0.95, STEP_DURATION, SELECTED, ['template', 'step'])),
  ),
);

export default dashboard({
  uid: 'backstage-scaffolder',
  title: 'Scaffolder',
  description:
    'Tasks and steps by template and result, and how long they take.',
  variables: [...environment, template],
  rows: [summary, tasks, steps],
});
