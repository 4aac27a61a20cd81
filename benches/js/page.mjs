// docs/benchmarks.md: what a run found, and what it means for a user.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { machine } from './measure.mjs';
import { bound, describeTarget, isMet, number } from './section.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

export const pagePath = path.join(here, '../../docs/benchmarks.md');

const json = async file => JSON.parse(await readFile(path.join(here, file)));

/** What was measured against what, as package@version. The page is out of date when these change. */
export async function versions() {
  const { name, version } = await json('../../package.json');
  const { packages } = await json('package-lock.json');
  const rivals = Object.keys(packages[''].dependencies).map(rival => {
    const entry = packages[`node_modules/${rival}`];
    return `${entry.name ?? rival}@${entry.version}`;
  });
  return [`${name}@${version}`, ...rivals];
}

/** @param sections - What the benchmarks returned, with their titles. */
export async function page(sections) {
  const missed = sections.flatMap(({ title, targets }) =>
    targets.filter(target => !isMet(target)).map(target => ({ title, target })),
  );
  const all = sections.flatMap(({ targets }) => targets).length;
  const blocks = [
    '# Benchmarks',
    `Written by \`npm run bench\` in \`benches/js\`, after \`npm run build:release\`: do not edit. One run on one machine, ${machine()}; ${new Date().toISOString().slice(0, 10)}.`,
    `Measured: ${(await versions()).map(each => `\`${each}\``).join(', ')}.`,
    METHOD,
    `${all - missed.length} of ${all} targets are met.`,
    ...(missed.length > 0 ? [misses(missed)] : []),
    ...sections.flatMap(block),
  ];
  return format(blocks.join('\n\n'), { parser: 'markdown' });
}

const METHOD =
  'Times are of this machine and say nothing about another; the ratios do. In each row all sides do the same work in the same run and take turns; a ratio is the median of the ratios of the rounds, and garbage is collected between them. Every benchmark reads back what each side counted or exported and fails if it is not what was recorded.';

function misses(missed) {
  const lines = missed.map(
    ({ title, target }) => `- ${title}: ${describeTarget(target)}`,
  );
  const reasons = '[the design](../DESIGN.md#how-fast-is-it) has the reasons';
  return [`Missed, ${reasons}:`, '', ...lines].join('\n');
}

function block({ title, meaning, rows, targets, notes = [] }) {
  return [`## ${title}`, meaning, table(rows), ...notes, ...summary(targets)];
}

function table(rows) {
  const keys = Object.keys(rows[0]);
  const line = cells => `| ${cells.join(' | ')} |`;
  return [
    line(keys),
    line(keys.map((_, at) => (at === 0 ? '---' : '---:'))),
    ...rows.map(row =>
      line(keys.map(key => String(row[key] ?? '').replaceAll('|', '\\|'))),
    ),
  ].join('\n');
}

/** Each target, or where there are many what those have in common that differ in the case only. */
function summary(targets) {
  if (targets.length <= 4) {
    return targets.map(
      target =>
        `${isMet(target) ? 'Met' : '**Missed**'}: ${describeTarget(target)}.`,
    );
  }
  const groups = new Map();
  for (const target of targets) {
    const key = `${target.what.split(': ').at(-1)} (${bound(target)})`;
    groups.set(key, [...(groups.get(key) ?? []), target]);
  }
  return [...groups].map(([key, group]) => {
    const found = group.map(target => number(target.found));
    return `${key}: met ${group.filter(isMet).length} of ${group.length} times, found ${found.join(', ')}.`;
  });
}
