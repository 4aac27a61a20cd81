import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const FOLDER = path.resolve('deploy/grafana');

/** What the tests look at of Grafana's model. */
export interface Dashboard {
  uid: string;
  id?: number;
  title: string;
  schemaVersion: number;
  templating: { list: Variable[] };
  panels: Panel[];
}

export interface Variable {
  name: string;
  type: string;
  query: string | { query: string };
  allValue?: string | null;
  datasource?: Datasource;
}

export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig?: { defaults: { unit?: string } };
  datasource?: Datasource;
  targets?: Target[];
}

export interface Target {
  expr: string;
  legendFormat: string;
  interval?: string;
  datasource?: Datasource;
}

interface Datasource {
  type: string;
  uid: string;
}

/** What the variables stand for in tests: everything that is there. */
const VALUES: Record<string, string> = {
  cluster: '.*',
  namespace: '.*',
  job: 'backstage.*',
  instance: '.*',
  plugin: '.*',
  template: '.*',
  __rate_interval: '4m',
  __interval: '2m',
  __range: '1h',
};

export const dashboards: Dashboard[] = readdirSync(FOLDER)
  .filter(file => file.endsWith('.json'))
  .sort()
  .map(
    file =>
      JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as Dashboard,
  );

export function charts({ panels }: Dashboard): Panel[] {
  return panels.filter(({ type }) => type !== 'row');
}

export interface Query {
  /** The titles of dashboard and panel. */
  where: string;
  expr: string;
  legend: string;
}

/** Every query of every dashboard, as Grafana would send it for these choices. */
export function queriesFor(chosen: Record<string, string>): Query[] {
  return dashboards.flatMap(dashboard =>
    charts(dashboard).flatMap(panel =>
      panel.targets!.map(({ expr, legendFormat }) => ({
        where: `${dashboard.title}, ${panel.title}`,
        expr: substituted(expr, { ...VALUES, ...chosen }),
        legend: legendFormat,
      })),
    ),
  );
}

export const queries = queriesFor({});

/** The selectors that the choices of variables are read from. */
export const choices = dashboards.flatMap(({ title, templating }) =>
  templating.list.flatMap(({ name, query }) =>
    typeof query === 'string'
      ? []
      : [
          {
            where: `${title}, $${name}`,
            selector: substituted(
              /^label_values\((.*), \w+\)$/.exec(query.query)![1],
              VALUES,
            ),
            label: name,
          },
        ],
  ),
);

function substituted(
  expression: string,
  values: Record<string, string>,
): string {
  return expression.replace(/\$(\w+)/g, (whole, name: string) => {
    // label_replace has $1, which is none.
    if (/^\d+$/.test(name)) {
      return whole;
    }
    if (!(name in values)) {
      throw new Error(`no variable has the name ${name}: ${expression}`);
    }
    return values[name];
  });
}
