import type { Row } from './alertRows';

/** Alerts of one rule, of which there are many. */
export interface RowGroup {
  /** Stays the same when the alerts are asked for again. */
  key: string;
  name: string;
  rows: Row[];
}

/** From so many alerts of one rule on they are one row until somebody opens it. */
const MANY = 4;

/** The rows with those of one rule together, at the place of the first of them. */
export function groupRows(rows: Row[]): (Row | RowGroup)[] {
  const byRule = new Map<string, Row[]>();
  for (const row of rows) {
    const rule = ruleOf(row);
    const known = byRule.get(rule);
    if (known) {
      known.push(row);
    } else {
      byRule.set(rule, [row]);
    }
  }
  return rows.flatMap((row): (Row | RowGroup)[] => {
    const rule = ruleOf(row);
    const all = byRule.get(rule) ?? [];
    if (all.length < MANY) {
      return [row];
    }
    return all[0] === row
      ? [{ key: rule, name: row.alert.name, rows: all }]
      : [];
  });
}

export function isGroup(entry: Row | RowGroup): entry is RowGroup {
  return 'rows' in entry;
}

/** The labels that all alerts of a group have alike. */
export function commonLabels({ rows }: RowGroup): Record<string, string> {
  const [first, ...others] = rows.map(({ alert }) => alert.labels);
  return Object.fromEntries(
    Object.entries(first).filter(([label, value]) =>
      others.every(labels => labels[label] === value),
    ),
  );
}

function ruleOf({ alert: { name, query = '', instance = '' } }: Row): string {
  return JSON.stringify([name, query, instance]);
}
