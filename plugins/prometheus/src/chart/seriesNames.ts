import type { RangeSeries } from '@nativestage/backstage-plugin-prometheus-common';
import { formatLabels, type Labels } from './labels';

export interface NamingOptions {
  /** The label whose value names a series. */
  dimension?: string;
  /** The name of a series without labels, such as the query. Defaults to `value`. */
  fallback?: string;
}

/**
 * A name for each series, as short as tells them apart: the dimension's value, or else the labels
 * that differ. Series of one name get more labels behind it, and the same labels twice a number.
 */
export function seriesNames(
  series: Pick<RangeSeries, 'labels'>[],
  { dimension, fallback = 'value' }: NamingOptions = {},
): string[] {
  const all = series.map(({ labels }) => labels);
  const differing = differingLabels(all);
  const names = all.map(
    labels =>
      (dimension && labels[dimension]) ||
      differingName(labels, differing) ||
      formatLabels(labels) ||
      fallback,
  );
  return numberDuplicates(tellApart(names, all));
}

function differingName(labels: Labels, differing: string[]): string {
  return differing.length === 1
    ? (labels[differing[0]] ?? '')
    : formatLabels(labels, differing);
}

/** Labels that do not have the same value, or none, in all of them. */
function differingLabels(all: Labels[]): string[] {
  const names = new Set(all.flatMap(labels => Object.keys(labels)));
  return [...names].filter(name =>
    all.some(labels => (labels[name] || '') !== (all[0][name] || '')),
  );
}

function tellApart(names: string[], all: Labels[]): string[] {
  const sharers = groupBy(names);
  return names.map((name, index) => {
    const group = sharers.get(name) ?? [];
    if (group.length === 1) {
      return name;
    }
    const differing = differingLabels(group.map(each => all[each]));
    const more = formatLabels(all[index], differing);
    return more && more !== name ? `${name} ${more}` : name;
  });
}

function numberDuplicates(names: string[]): string[] {
  const sharers = groupBy(names);
  return names.map((name, index) => {
    const place = (sharers.get(name) ?? []).indexOf(index);
    return place > 0 ? `${name} (${place + 1})` : name;
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
