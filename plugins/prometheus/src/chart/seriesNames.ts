import type { RangeSeries } from '@nativestage/backstage-plugin-prometheus-common';
import { formatLabels, type Labels } from './labels';

export interface NamingOptions {
  /** The label whose value names a series. */
  dimension?: string;
  /** What a series is called, with its labels: `{{path}} in {{region}}`. Goes before `dimension`. */
  legend?: string;
  /** The name of a series without labels, such as the query. Defaults to `value`. */
  fallback?: string;
}

/**
 * A name for each series, as short as tells them apart: the dimension's value, or else the labels
 * that differ. Series of one name get more labels behind it, and the same labels twice a number.
 */
export function seriesNames(
  series: Pick<RangeSeries, 'labels'>[],
  { dimension, legend, fallback = 'value' }: NamingOptions = {},
): string[] {
  const all = series.map(({ labels }) => labels);
  const differing = differingLabels(all);
  const names = all.map(
    labels =>
      (legend && fillIn(legend, labels)) ||
      (dimension && labels[dimension]) ||
      differingName(labels, differing) ||
      formatLabels(labels) ||
      fallback,
  );
  return numberDuplicates(tellApart(names, all));
}

/** As Grafana has it; a label that is not there is empty. */
function fillIn(legend: string, labels: Labels): string {
  return legend
    .replace(
      /\{\{\s*([^{}]+?)\s*\}\}/g,
      (_, name: string) => labels[name] ?? '',
    )
    .trim();
}

function differingName(labels: Labels, differing: string[]): string {
  return differing.length === 1
    ? (labels[differing[0]] ?? '')
    : formatLabels(labels, differing);
}

/** Labels that do not have the same value, or none, in all of them. */
function differingLabels(all: Labels[]): string[] {
  const [first = {}, ...others] = all;
  const differing = new Set<string>();
  for (const labels of others) {
    for (const name in labels) {
      if ((labels[name] || '') !== (first[name] || '')) {
        differing.add(name);
      }
    }
    for (const name in first) {
      if (first[name] && !labels[name]) {
        differing.add(name);
      }
    }
  }
  // In the order of the first series that has them, so that names do not change from run to run.
  return differing.size === 0
    ? []
    : [...new Set(all.flatMap(Object.keys))].filter(name =>
        differing.has(name),
      );
}

function tellApart(names: string[], all: Labels[]): string[] {
  const apart = [...names];
  for (const group of groupBy(names).values()) {
    if (group.length > 1) {
      // Once for the group: for each of its series it would be the square of them.
      const differing = differingLabels(group.map(each => all[each]));
      for (const each of group) {
        const more = formatLabels(all[each], differing);
        apart[each] =
          more && more !== names[each] ? `${names[each]} ${more}` : names[each];
      }
    }
  }
  return apart;
}

function numberDuplicates(names: string[]): string[] {
  const seen = new Map<string, number>();
  return names.map(name => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count > 1 ? `${name} (${count})` : name;
  });
}

/** Which places hold a name. */
function groupBy(names: string[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  names.forEach((name, index) => {
    const group = groups.get(name);
    if (group) {
      group.push(index);
    } else {
      groups.set(name, [index]);
    }
  });
  return groups;
}
