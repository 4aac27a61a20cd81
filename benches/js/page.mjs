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

/**
 * The page with these sections measured anew, the others as they were.
 *
 * @param sections - What the benchmarks returned, with their titles.
 * @param titles - Of all sections, in their order.
 * @param reasons - By title, why targets are missed there.
 * @param before - The page so far, if there is one.
 */
export async function page(sections, titles, reasons, before = '') {
  const [head, ...old] = before.split(/^(?=## )/m);
  const missedOf = title => {
    const section = sections.find(each => each.title === title);
    const lines = section
      ? section.targets.filter(target => !isMet(target)).map(missedLine(title))
      : head.split('\n').filter(line => line.startsWith(`- ${title}: `));
    return lines.length > LISTED
      ? [`- ${title}: ${lines.length} targets, see there`]
      : lines;
  };
  const blocks = titles.flatMap(title => {
    const section = sections.find(each => each.title === title);
    const lines = section
      ? block(section)
      : old
          .filter(text => text.startsWith(`## ${title}\n`))
          .map(text => text.replace(WHY, ''));
    return missedOf(title).length > 0 && reasons[title]
      ? [...lines, `_Why not:_ ${reasons[title]}`]
      : lines;
  });
  const missed = titles.flatMap(missedOf);
  const parts = [
    '# Benchmarks',
    `Written by \`npm run bench\` in \`benches/js\`, after \`npm run build:release\`: do not edit. Each section is one run on one machine.`,
    measured(await versions()),
    METHOD,
    missed.length === 0
      ? 'Every target is met.'
      : 'Every target is met but these; the sections have the reasons:',
    missed.join('\n'),
    ...blocks,
  ];
  return format(parts.join('\n\n'), { parser: 'markdown' });
}

/** The paragraph with a section's reason, at its end. */
const WHY = /\n_Why not:_ .*\s*$/;

/** Missed targets of one section that are listed one by one. */
const LISTED = 10;

const missedLine = title => target => `- ${title}: ${describeTarget(target)}`;

const METHOD =
  'Times are of this machine and say nothing about another; the ratios do. In each row all sides do the same work in the same run and take turns; a ratio is the median of the ratios of the rounds, and garbage is collected between them. Every benchmark reads back what each side counted or exported and fails if it is not what was recorded.';

function block({ title, node, meaning, rows, targets, notes = [] }) {
  const date = new Date().toISOString().slice(0, 10);
  return [
    `## ${title}`,
    meaning,
    table(rows),
    ...notes,
    ...summary(targets),
    `${date}, ${machine(node)}.`,
  ];
}

const measured = versions =>
  `Measured: ${versions.map(each => `\`${each}\``).join(', ')}.`;

/** Whether the sections of a page were measured with the versions of now. */
export const isCurrent = async page =>
  page.split('\n').includes(measured(await versions()));

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
