import { readFileSync } from 'node:fs';
import path from 'node:path';
import type * as yaml from 'yaml';
import type { NativeConfigFile } from '../../binding';
import { MetricsError } from '../common/errors';
import { toJson } from '../common/json';
import { plainValue } from '../options/plainOptions';
import { messageOf } from '../common/text';
import type { ConfigFile } from './configFile';
import { InvalidReference, substitute } from './substitute';

type Yaml = typeof yaml;
type Variables = Record<string, string | undefined>;

/**
 * Reads a file of OpenTelemetry's declarative configuration: YAML 1.2 with references to variables.
 * What it says is the native side's to check.
 *
 * @throws MetricsError `ERR_METRICS_INVALID_CONFIG` naming the file, the place in it, what was found and
 * what is allowed
 */
export function readConfigFile(
  { name: file, variable }: ConfigFile,
  variables: Variables = process.env,
): NativeConfigFile {
  if (!['.yaml', '.yml'].includes(path.extname(file))) {
    throw invalid(
      `${variable}: found ${JSON.stringify(file)}, expected a file that ends in .yaml or .yml`,
    );
  }
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw invalid(
      `${variable}: found ${JSON.stringify(file)}, expected a file that can be read: ${messageOf(error)}`,
      error,
    );
  }
  return {
    name: file,
    content: toJson(parse(text, file, variables), plainValue),
  };
}

function parse(text: string, file: string, variables: Variables): unknown {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded where there is a file alone: it takes as long to load as all of this package
  const library = require('yaml') as Yaml;
  const lineCounter = new library.LineCounter();
  const document = library.parseDocument(text, {
    version: '1.2',
    schema: 'core',
    lineCounter,
    // They repeat the line, which may hold a secret.
    prettyErrors: false,
  });
  const [error] = document.errors;
  if (error) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    throw invalid(
      `${file}: found no YAML in line ${line}, column ${col}: ${error.message}`,
      error,
    );
  }
  library.visit(document, {
    Scalar: (key, node, ancestors) => {
      if (key !== 'key') {
        put(library, document, node, variables, () =>
          placeOf(library, file, ancestors, node),
        );
      }
    },
  });
  try {
    return document.toJS();
  } catch (error) {
    // Such as aliases of aliases of aliases.
    throw invalid(`${file}: found no YAML: ${messageOf(error)}`, error);
  }
}

/**
 * Puts variables into one value. A plain one is then read anew, so that `${PORT}` is a number; what
 * stands in quotes stays text. Neither can become a list or a map.
 */
function put(
  { isScalar, Scalar }: Yaml,
  document: yaml.Document.Parsed,
  node: yaml.Scalar,
  variables: Variables,
  place: () => string,
): void {
  const isPlain = node.type === Scalar.PLAIN && node.tag === undefined;
  const text = isPlain ? node.source : node.value;
  if (typeof text !== 'string' || !text.includes('$')) {
    return;
  }
  let replaced: string;
  try {
    replaced = substitute(text, variables);
  } catch (error) {
    if (!(error instanceof InvalidReference)) {
      throw error;
    }
    throw invalid(
      `${place()}: found ${error.message}, expected a reference such as \${NAME}, \${env:NAME} or \${NAME:-default}; write $$ for a dollar sign`,
      error,
    );
  }
  const tag = isPlain
    ? document.schema.tags.find(
        (each): each is yaml.ScalarTag =>
          each.default === true &&
          'test' in each &&
          each.test?.test(replaced) === true,
      )
    : undefined;
  const value: unknown = tag
    ? tag.resolve(replaced, () => {}, document.options)
    : replaced;
  node.value = isScalar(value) ? value.value : value;
}

/** As the native side names places: `meter_provider.readers[0].periodic`. */
function placeOf(
  { isPair, isScalar, isSeq }: Yaml,
  file: string,
  ancestors: readonly unknown[],
  node: unknown,
): string {
  const steps = [...ancestors, node];
  const place = steps.reduce<string>((above, step, at) => {
    if (isPair(step)) {
      const key = isScalar(step.key) ? String(step.key.value) : '?';
      return above === '' ? key : `${above}.${key}`;
    }
    if (isSeq(step)) {
      return `${above}[${step.items.indexOf(steps[at + 1])}]`;
    }
    return above;
  }, '');
  return place === '' ? file : `${file}: ${place}`;
}

function invalid(message: string, cause?: unknown): MetricsError {
  return new MetricsError('ERR_METRICS_INVALID_CONFIG', message, { cause });
}
