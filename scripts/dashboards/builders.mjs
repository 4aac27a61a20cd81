// What the dashboards are made of: each function returns a piece of Grafana's JSON model, and
// `dashboard` gives the pieces their numbers and places. The model is that of Grafana 10 (schema 39),
// which 11 and 12 load as it is.

const SCHEMA_VERSION = 39;
const GRID_WIDTH = 24;
/** What the editor of variables calls `label_values` of a selector. */
const LABEL_VALUES = 1;
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/**
 * @param {{ uid: string, title: string, description: string, variables: object[], rows: object[][] }}
 *   options - `uid` is what links and bookmarks hold on to: never change it
 */
export function dashboard({ uid, title, description, variables, rows }) {
  return {
    uid,
    title: `Backstage / ${title}`,
    description,
    tags: ['backstage'],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    timezone: 'browser',
    links: [
      {
        type: 'dashboards',
        title: 'Backstage',
        tags: ['backstage'],
        asDropdown: true,
        includeVars: true,
        keepTime: true,
      },
    ],
    annotations: { list: [] },
    templating: { list: [datasource(), ...variables] },
    panels: place(rows),
  };
}

function datasource() {
  return {
    name: 'datasource',
    label: 'Data source',
    type: 'datasource',
    query: 'prometheus',
    current: {},
    hide: 0,
    refresh: 1,
    regex: '',
  };
}

/**
 * A variable whose choices are the values of a label.
 *
 * @param options - `allValue`: what `All` stands for; anything, also no such label, unless it is given
 */
export function variable(name, metric, { allValue = '.*' } = {}) {
  const query = `label_values(${metric}, ${name})`;
  return {
    name,
    label: name[0].toUpperCase() + name.slice(1),
    type: 'query',
    datasource: DATASOURCE,
    query: {
      qryType: LABEL_VALUES,
      query,
      refId: 'PrometheusVariableQueryEditor-VariableQuery',
    },
    definition: query,
    includeAll: true,
    allValue,
    multi: true,
    current: { text: ['All'], value: ['$__all'] },
    refresh: 2,
    sort: 1,
    hide: 0,
  };
}

/** A heading, and the panels below it. */
export function row(title, ...panels) {
  return [{ type: 'row', title, collapsed: false, panels: [] }, ...panels];
}

/** Lines over time, or bars of what is counted by `perBar`, with one or more `query`. */
export function graph(title, options, ...queries) {
  const { stacked = false, bars = false, max, min = 0 } = options;
  const panel = base('timeseries', title, options, queries, { w: 8, h: 8 });
  panel.fieldConfig.defaults = {
    ...panel.fieldConfig.defaults,
    min,
    ...(max !== undefined && { max }),
    custom: {
      drawStyle: bars ? 'bars' : 'line',
      lineWidth: 1,
      fillOpacity: bars ? 80 : stacked ? 40 : 10,
      showPoints: 'never',
      spanNulls: false,
      stacking: { mode: stacked ? 'normal' : 'none', group: 'A' },
    },
  };
  panel.options = {
    legend: {
      displayMode: 'table',
      placement: 'bottom',
      showLegend: true,
      calcs: ['mean', 'max', 'lastNotNull'],
    },
    tooltip: { mode: 'multi', sort: 'desc' },
  };
  return panel;
}

/**
 * One number as it is now.
 *
 * @param options - `bad`: the values from which it is yellow and red, and `good` turns that around:
 *   green from this value on, red below
 */
export function stat(title, options, expression) {
  const panel = base('stat', title, options, [query(expression)], {
    w: 4,
    h: 4,
  });
  panel.targets[0].instant = true;
  panel.targets[0].range = false;
  panel.fieldConfig.defaults.thresholds = thresholds(options);
  panel.options = {
    colorMode: options.bad || options.good !== undefined ? 'value' : 'none',
    graphMode: 'none',
    justifyMode: 'auto',
    orientation: 'auto',
    textMode: 'auto',
    reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
  };
  return panel;
}

/** What there is now, the highest first: a row per series, its labels as columns. */
export function table(title, options, expression) {
  const panel = base('table', title, options, [query(expression)], {
    w: 12,
    h: 9,
  });
  Object.assign(panel.targets[0], {
    format: 'table',
    instant: true,
    range: false,
  });
  panel.transformations = [
    {
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        indexByName: {},
        renameByName: { Value: options.value },
      },
    },
  ];
  panel.options = {
    showHeader: true,
    cellHeight: 'sm',
    sortBy: [{ displayName: options.value, desc: true }],
  };
  return panel;
}

/** @param legend - Grafana's: `{{label}}` stands for the label's value */
export function query(expr, legend) {
  return { expr, legendFormat: legend ?? '__auto' };
}

/**
 * Quantiles of a histogram, a line each.
 *
 * @param by - the labels to keep; their values come before the quantile in the legend
 */
export function quantiles(histogram, selector, { by = [], of = [0.5, 0.95] }) {
  const legend = by.map(label => `{{${label}}}`);
  return of.map(q =>
    query(
      quantile(q, histogram, selector, by),
      [...legend, `p${q * 100}`].join(' '),
    ),
  );
}

export function quantile(q, histogram, selector, by = []) {
  const labels = ['le', ...by].join(', ');
  return `histogram_quantile(${q}, sum by (${labels}) (rate(${histogram}_bucket{${selector}}[$__rate_interval])))`;
}

/** Of what is rare: over a window in which there was some. */
export function rareQuantile(q, histogram, selector, by, window) {
  const labels = ['le', ...by].join(', ');
  return `histogram_quantile(${q}, ${counted(`${histogram}_bucket{${selector}}`, labels, window)})`;
}

/** Of what a histogram without buckets measures. */
export function mean(histogram, selector, by) {
  const labels = by.join(', ');
  const per = part => rate(`${histogram}_${part}`, selector, labels);
  return `${per('sum')} / ${per('count')}`;
}

/** Events per second. */
export function rate(counter, selector, by) {
  return `sum by (${by}) (rate(${counter}{${selector}}[$__rate_interval]))`;
}

/**
 * Events within a window, the first of a series among them, which is no increase to Prometheus: the last
 * value less the last before the window, or all of it where there is none or the process began anew.
 *
 * @param each - what is done to the series before they are compared, such as `label_replace`
 */
export function counted(series, by, window = '$__range', each = it => it) {
  const last = each(`last_over_time(${series}[${window}])`);
  const before = each(`last_over_time(${series}[1h] offset ${window})`);
  return `sum by (${by}) (${last} - (${before} <= ${last}) or ${last})`;
}

/** Events of each bar of a graph, once each. */
export function perBar(series, by, each) {
  return counted(series, by, '$__interval', each);
}

/** For tables: those that are above 0, the highest of them. */
export function top(expression) {
  return `topk(15, ${expression} > 0)`;
}

/** The part of all events that these are; 0, and not nothing, when there are others only. */
export function ratio(
  counter,
  selector,
  part,
  by = [],
  window = '$__rate_interval',
) {
  const count = labels =>
    counted(`${counter}{${labels}}`, by.join(', '), window);
  const all = count(selector);
  return `(${count(`${selector}, ${part}`)} or ${all} * 0) / ${all}`;
}

function base(type, title, { description, unit, w, h }, queries, size) {
  return {
    type,
    title,
    description,
    datasource: DATASOURCE,
    gridPos: { w: w ?? size.w, h: h ?? size.h },
    fieldConfig: { defaults: { unit }, overrides: [] },
    targets: queries.map((target, index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource: DATASOURCE,
      editorMode: 'code',
      range: true,
      ...shortest(target.expr),
      ...target,
    })),
  };
}

/**
 * The shortest interval: of it Grafana makes `$__rate_interval`, four times as long, which so fits scrapes every
 * 15 and every 60 s, whatever the data source says. A bar has a scrape at least.
 */
function shortest(expr) {
  if (expr.includes('$__interval')) {
    return { interval: '2m' };
  }
  return expr.includes('$__rate_interval') ? { interval: '1m' } : {};
}

function thresholds({ bad, good }) {
  const step = (color, value) => ({ color, value });
  const steps =
    good === undefined
      ? [
          step('green', null),
          ...(bad ?? []).map((value, i) => step(['orange', 'red'][i], value)),
        ]
      : [step('red', null), step('green', good)];
  return { mode: 'absolute', steps };
}

/** Numbers the panels, and puts them side by side until a line is full. */
function place(rows) {
  let y = 0;
  let id = 1;
  const placed = [];
  for (const [heading, ...panels] of rows) {
    placed.push({
      id: id++,
      ...heading,
      gridPos: { x: 0, y, w: GRID_WIDTH, h: 1 },
    });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of panels) {
      const { w, h } = panel.gridPos;
      if (x + w > GRID_WIDTH) {
        y += height;
        x = 0;
        height = 0;
      }
      placed.push({ id: id++, ...panel, gridPos: { x, y, w, h } });
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  return placed;
}
