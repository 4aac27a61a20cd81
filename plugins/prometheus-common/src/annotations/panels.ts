import { LineCounter, parseDocument, isMap, isScalar, isSeq } from 'yaml';
import type { PanelOptions } from '../panels/PanelOptions';
import {
  isItem,
  PANEL_OPTIONS,
  readPanelOptions,
  text as textOf,
} from '../panels/readPanelOptions';
import { clip, locate } from '../position';
import { checkLength, checkQuery } from '../promql/syntax';
import { AnnotationError, lengthProblem } from './AnnotationError';
import { PANELS_ANNOTATION } from './names';
import { MAX_PANELS, type RuleOptions, type RulePanel } from './rules';

/** A graph of `prometheus.io/panels`: what it asks, and how it looks. */
export interface PanelEntry extends RulePanel {
  title?: string;
  options: PanelOptions;
}

const KEYS = ['query', 'title', ...PANEL_OPTIONS];

/** Levels of lists and maps: a list of panels with a list of thresholds has six. */
const MAX_DEPTH = 12;

/** One list or map right inside of another, on one line: so many levels for so few characters. */
const NESTED_ON_A_LINE = new RegExp(`(?:[-?:][ \\t]+){${MAX_DEPTH}}`);

type Node = { range?: [number, number, number] | null } | null | undefined;

/**
 * Reads `prometheus.io/panels`: a list in YAML, of queries or of maps with a `query`, and whatever of
 * `title` and {@link PanelOptions} belongs to it.
 *
 * @returns the good panels beside all problems
 */
export function readPanels(
  text: string,
  options?: RuleOptions,
): { panels: PanelEntry[]; problems: AnnotationError[] } {
  const fail = (problem: string, offset = 0) =>
    new AnnotationError(PANELS_ANNOTATION, text, problem, offset);
  const unreadable = lengthProblem(PANELS_ANNOTATION, text) ?? tooDeep(text);
  if (unreadable) {
    return { panels: [], problems: [unreadable] };
  }
  const document = parseDocument(text, { lineCounter: new LineCounter() });
  if (document.errors.length > 0) {
    const [{ message, pos }] = document.errors;
    // Its own place and excerpt stand below the first line.
    const [problem] = message.split(/ at line \d+|\n/);
    return { panels: [], problems: [fail(`no YAML: ${problem}`, pos[0])] };
  }
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) {
    return { panels: [], problems: [] };
  }
  if (!isSeq(contents)) {
    return {
      panels: [],
      problems: [fail('expected a list, each item of it beginning with "- "')],
    };
  }
  const panels: PanelEntry[] = [];
  const problems: AnnotationError[] = [];
  for (const node of contents.items.slice(0, MAX_PANELS)) {
    try {
      panels.push(toEntry(text, node, options));
    } catch (error) {
      if (!(error instanceof AnnotationError)) {
        throw error;
      }
      problems.push(error);
    }
  }
  const next = contents.items[MAX_PANELS] as Node;
  if (next) {
    problems.push(
      fail(
        `there are ${contents.items.length} panels, and ${MAX_PANELS} are the most; this one and those behind it are left out`,
        offsetOf(next),
      ),
    );
  }
  return { panels, problems };
}

/** @throws AnnotationError */
function toEntry(
  text: string,
  node: Node,
  { language = 'promql' }: RuleOptions = {},
): PanelEntry {
  const failAt = (problem: string, offset: number): never => {
    throw new AnnotationError(PANELS_ANNOTATION, text, problem, offset);
  };
  // Aliases would let a few characters stand for many.
  const value = toValue(node, failAt);
  const item = typeof value === 'string' ? { query: value } : value;
  if (!isItem(item)) {
    return failAt('expected a query, or a map with a "query"', offsetOf(node));
  }
  const placeOf = (key: string) => offsetOf(valueNode(node, key) ?? node);
  const fail = (key: string, problem: string): never =>
    failAt(`${key}: ${problem}`, placeOf(/^\w+/.exec(key)?.[0] ?? key));
  const unknown = Object.keys(item).find(key => !KEYS.includes(key));
  if (unknown !== undefined) {
    return failAt(
      `there is no "${clip(unknown)}"; there are ${KEYS.join(', ')}`,
      placeOf(unknown),
    );
  }
  const query =
    textOf(item, 'query', fail)?.trim() ??
    failAt('a panel needs a "query"', offsetOf(node));
  const problem = (language === 'promql' ? checkQuery : checkLength)(query);
  if (problem) {
    return fail('query', problem.message);
  }
  const title = textOf(item, 'title', fail);
  const { dimension, ...options } = readPanelOptions(item, fail);
  return {
    query,
    ...(dimension !== undefined && { dimension }),
    ...(title !== undefined && { title }),
    options,
    position: locate(text, placeOf('query')),
  };
}

function toValue(
  node: Node,
  failAt: (problem: string, offset: number) => never,
): unknown {
  if (isScalar(node)) {
    return node.value;
  }
  if (isSeq(node)) {
    return node.items.map(each => toValue(each as Node, failAt));
  }
  if (isMap(node)) {
    return Object.fromEntries(
      node.items.map(({ key, value }) => [
        isScalar(key)
          ? String(key.value)
          : failAt('a key has to be a word', offsetOf(key as Node)),
        toValue(value as Node, failAt),
      ]),
    );
  }
  return node === null || node === undefined
    ? undefined
    : failAt('aliases are not read', offsetOf(node));
}

function valueNode(node: Node, key: string): Node {
  if (!isMap(node)) {
    return node;
  }
  const pair = node.items.find(
    each => isScalar(each.key) && each.key.value === key,
  );
  return (pair?.value ?? pair?.key) as Node;
}

function offsetOf(node: Node): number {
  return node?.range?.[0] ?? 0;
}

/** Before it is parsed: who parses and who walks a tree goes as deep as it is. */
function tooDeep(text: string): AnnotationError | undefined {
  let depth = 0;
  let offset = text.search(NESTED_ON_A_LINE);
  for (let at = 0; at < text.length && offset === -1; at++) {
    if (text[at] === '[' || text[at] === '{') {
      offset = ++depth > 4 * MAX_DEPTH ? at : -1;
    } else if (text[at] === ']' || text[at] === '}') {
      depth = Math.max(0, depth - 1);
    }
  }
  return offset === -1
    ? undefined
    : new AnnotationError(
        PANELS_ANNOTATION,
        text,
        'lists and maps are nested too deeply; none of it is read',
        offset,
      );
}
