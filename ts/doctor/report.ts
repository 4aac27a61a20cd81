import type { App } from './App';
import { CHECKS } from './checks';
import type { Finding, Severity } from './Finding';

const HEADINGS: [Severity, string][] = [
  ['problem', 'Problems'],
  ['warning', 'Warnings'],
  ['note', 'Notes'],
];

/** For people: a paragraph for each finding, the worst first. */
export function textReport(app: App, findings: Finding[]): string {
  const sections = HEADINGS.flatMap(([severity, heading]) => {
    const own = findings.filter(finding => finding.severity === severity);
    return own.length > 0 ? [heading, ...own.map(paragraph)] : [];
  });
  const healthy = findings.length === 0 ? [checked(app)] : [];
  return [
    `@nativestage/metrics doctor: ${app.root}`,
    ...sections,
    ...healthy,
    totals(findings),
  ].join('\n\n');
}

/** For programs. */
export function jsonReport({ root }: App, findings: Finding[]): string {
  return JSON.stringify(
    {
      app: root,
      problems: count(findings, 'problem'),
      warnings: count(findings, 'warning'),
      findings,
    },
    undefined,
    2,
  );
}

export function count(findings: Finding[], severity: Severity): number {
  return findings.filter(finding => finding.severity === severity).length;
}

function paragraph({ check, message, file, fix }: Finding): string {
  const place = file === undefined ? '' : `${file}: `;
  return `  [${check}] ${place}${message}\n  Do this: ${fix}`;
}

function checked(app: App): string {
  const list = CHECKS.map(({ looksAt, leftOut }) => {
    const reason = leftOut?.(app);
    return `  - ${looksAt}${reason === undefined ? '' : `: left out, ${reason}`}`;
  });
  return ['All is well. Checked:', ...list].join('\n');
}

function totals(findings: Finding[]): string {
  return `${plural(count(findings, 'problem'), 'problem')}, ${plural(count(findings, 'warning'), 'warning')}`;
}

function plural(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
