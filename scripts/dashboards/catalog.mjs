import {
  dashboard,
  graph,
  quantile,
  quantiles,
  query,
  rate,
  ratio,
  row,
  stat,
} from './builders.mjs';
import { ENVIRONMENT, environment, SCOPE } from './scope.mjs';

const CATALOG = 'backstage_plugin_catalog';
const PROCESSED = `${CATALOG}_entities_processed_total`;
const STITCHED = `${CATALOG}_entities_stitched_total`;
const QUEUE_DELAY = `${CATALOG}_processing_queue_delay_seconds`;

const WITH_ERRORS = 'result=~"errors|failed"';
const BY_RESULT = '{{result}}';

/**
 * Every instance counts the same database: their maximum is the count, their sum is not. PostgreSQL's
 * estimate is -1 before it has one.
 */
function once(gauge, by = '') {
  const labels = [ENVIRONMENT, by].filter(Boolean).join(', ');
  return `sum by (${by}) (max by (${labels}) (${CATALOG}_${gauge}{${SCOPE}} >= 0))`;
}

const contents = row(
  'What is in the catalog',
  stat(
    'Entities',
    {
      unit: 'short',
      good: 1,
      description:
        'In the catalog, of all kinds. A sudden drop: a provider returned less; look at the log of the catalog before anyone misses a component.',
    },
    `sum(${once('entities_count', 'kind')})`,
  ),
  stat(
    'Locations',
    {
      unit: 'short',
      description:
        'Registered locations; an estimate with PostgreSQL, and empty until it has one. Thousands that people registered by hand: think of a provider that discovers them.',
    },
    once('locations_count'),
  ),
  stat(
    'Relations',
    {
      unit: 'short',
      description:
        'Between entities; an estimate with PostgreSQL, and empty until it has one. Many more than entities make stitching slow.',
    },
    once('relations_count'),
  ),
  stat(
    'Processing errors',
    {
      unit: 'percentunit',
      bad: [0.05, 0.1],
      description:
        'Entities that were processed with errors, of all. The log of the catalog names them, and so does the page of each entity.',
    },
    ratio(PROCESSED, SCOPE, WITH_ERRORS),
  ),
  stat(
    'Processing delay, median',
    {
      unit: 's',
      bad: [120, 300],
      description:
        'How long after its time an entity is processed. Minutes: there are more entities than the instances get through; see below.',
    },
    quantile(0.5, QUEUE_DELAY, SCOPE),
  ),
  stat(
    'Stitching queue',
    {
      unit: 'short',
      bad: [100, 1000],
      description:
        'Entities that wait to be stitched. People see their changes only after that.',
    },
    once('stitching_queue_length'),
  ),
  graph(
    'Entities by kind',
    {
      unit: 'short',
      w: 24,
      stacked: true,
      description:
        'A step that nobody planned: a provider lost its access or changed its rules. Orphans are removed only if that is switched on.',
    },
    query(once('entities_count', 'kind'), '{{kind}}'),
  ),
);

const processing = row(
  'Processing',
  graph(
    'Processed entities',
    {
      unit: 'ops',
      stacked: true,
      description:
        'By result. "changed" for long without a change in the sources: a processor gives another answer each time, which costs a stitch each. Nothing at all: the engine stands; look at its log and at the database.',
    },
    query(rate(PROCESSED, SCOPE, 'result'), BY_RESULT),
  ),
  graph(
    'Errors',
    {
      unit: 'percentunit',
      description:
        '"errors" and "failed", of all processed entities. A step: one provider or source system; a slow climb: entities that people no longer look after.',
    },
    query(ratio(PROCESSED, SCOPE, WITH_ERRORS, ['job']), '{{job}}'),
  ),
  graph(
    'Delay',
    {
      unit: 's',
      description:
        'From when an entity was due until it was processed. Growing: add instances, make processors faster, or raise catalog.processingInterval.',
    },
    ...quantiles(QUEUE_DELAY, SCOPE, { of: [0.5, 0.95, 0.99] }),
  ),
  graph(
    'Duration',
    {
      unit: 's',
      description:
        'Of processing an entity, its reading and writing included. High with fast processors (right): the database is slow.',
    },
    ...quantiles(`${CATALOG}_processing_duration_seconds`, SCOPE, {
      of: [0.5, 0.95, 0.99],
    }),
  ),
  graph(
    'Duration of the processors',
    {
      unit: 's',
      description:
        'What the processors alone take for an entity, by result, p95. High: one of them calls something slow; let it cache.',
    },
    ...quantiles(`${CATALOG}_processors_duration_seconds`, SCOPE, {
      by: ['result'],
      of: [0.95],
    }),
  ),
  graph(
    'Processed by instance',
    {
      unit: 'ops',
      stacked: true,
      description:
        'Instances share the work as they come. One at 0: it does not reach the database, or runs no catalog.',
    },
    query(rate(PROCESSED, SCOPE, 'instance'), '{{instance}}'),
  ),
);

const stitching = row(
  'Stitching',
  graph(
    'Stitched entities',
    {
      unit: 'ops',
      stacked: true,
      description:
        'By result. "error" is in the log of the catalog with the name of the entity.',
    },
    query(rate(STITCHED, SCOPE, 'result'), BY_RESULT),
  ),
  graph(
    'Queue',
    {
      unit: 'short',
      description:
        'Entities that wait. A hill after an import is normal; a slope without an end is not: look at the duration and at the database.',
    },
    query(once('stitching_queue_length'), 'Queue'),
  ),
  graph(
    'Delay',
    {
      unit: 's',
      description:
        'From when an entity was due to be stitched until it was. This is what people wait for after a change.',
    },
    ...quantiles(`${CATALOG}_stitching_queue_delay_seconds`, SCOPE, {
      of: [0.5, 0.95],
    }),
  ),
  graph(
    'Duration',
    {
      unit: 's',
      w: 24,
      description:
        'Of stitching an entity, by result, p95. High: look at the slow queries of the database on the tables relations and search.',
    },
    ...quantiles(`${CATALOG}_stitching_duration_seconds`, SCOPE, {
      by: ['result'],
      of: [0.95],
    }),
  ),
);

export default dashboard({
  uid: 'backstage-catalog',
  title: 'Catalog',
  description:
    'What is in the catalog, and whether processing and stitching keep up.',
  variables: environment,
  rows: [contents, processing, stitching],
});
