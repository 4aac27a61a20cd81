import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import ts from 'typescript';

/** The methods of meters and of Backstage's metrics service, and the kinds as the addon names them. */
const KINDS = {
  createCounter: 'counter',
  createUpDownCounter: 'up-down counter',
  createHistogram: 'histogram',
  createGauge: 'gauge',
  createObservableCounter: 'observable counter',
  createObservableUpDownCounter: 'observable up-down counter',
  createObservableGauge: 'observable gauge',
};
const CLIENTS = /['"](prom-client|@prometheus-io\/client)['"]/;
const MAKES = new RegExp(`\\b(${Object.keys(KINDS).join('|')})\\b|\\bhelp:`);

/**
 * What the code of a package creates. `api` is `otel`, or `prom` for what goes into a registry of
 * prom-client; `name` is undefined where the code computes it.
 *
 * @returns {Promise<Array<{ api: string, kind?: string, name?: string, unit?: string, meter?: string,
 *   package: string, version: string, plugin?: string, file: string }>>}
 */
export async function emittedBy(folder) {
  const manifest = JSON.parse(
    await readFile(path.join(folder, 'package.json'), 'utf8'),
  );
  const origin = {
    package: manifest.name,
    version: manifest.version,
    plugin: manifest.backstage?.pluginId,
  };
  const entries = await readdir(folder, { recursive: true });
  const files = entries.filter(
    file => /\.[cm]?js$/.test(file) && !/(^|[\\/])node_modules[\\/]/.test(file),
  );
  const texts = await Promise.all(
    files.sort().map(async file => ({
      file,
      text: await readFile(path.join(folder, file), 'utf8'),
    })),
  );
  // One file of a package wraps the client, others name the metrics.
  const hasClient = texts.some(({ text }) => CLIENTS.test(text));
  const emitted = texts.flatMap(({ file, text }) =>
    createdIn(file, text, hasClient).map(created => ({
      ...created,
      ...origin,
      file,
    })),
  );
  // The same module may be packed for CommonJS and for modules.
  const seen = new Set();
  return emitted.filter(({ api, kind, name, file }) => {
    const key = JSON.stringify([api, kind, name ?? file]);
    return !seen.has(key) && seen.add(key);
  });
}

function createdIn(file, text, hasClient) {
  if (!MAKES.test(text)) {
    return [];
  }
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const constants = constantsOf(source);
  const created = [];
  const visit = node => {
    if (ts.isCallExpression(node)) {
      const method = calledMethod(node);
      if (method && node.arguments.length > 0 && !passesOn(node, method)) {
        created.push({
          api: 'otel',
          kind: KINDS[method],
          name: textOf(node.arguments[0], constants),
          unit: textOf(property(node.arguments[1], 'unit'), constants),
          meter: meterOf(node.expression.expression, constants),
        });
      }
    }
    if (
      hasClient &&
      ts.isObjectLiteralExpression(node) &&
      property(node, 'name') &&
      property(node, 'help')
    ) {
      created.push({
        api: 'prom',
        name: textOf(property(node, 'name'), constants),
      });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return created;
}

function calledMethod(call) {
  const callee = call.expression;
  const method = ts.isPropertyAccessExpression(callee) && callee.name.text;
  return method && Object.hasOwn(KINDS, method) ? method : undefined;
}

/** A service hands its own argument to the meter behind it: it creates nothing of its own. */
function passesOn(call, method) {
  const [name] = call.arguments;
  for (let node = call.parent; node; node = node.parent) {
    if (ts.isFunctionLike(node)) {
      return (
        ts.isIdentifier(name) &&
        node.name?.getText() === method &&
        node.parameters.some(({ name: own }) => own.getText() === name.text)
      );
    }
  }
  return false;
}

/** Variables by name: their initial values. */
function constantsOf(source) {
  const constants = new Map();
  const visit = node => {
    if (
      ts.isVariableDeclaration(node) &&
      ts.isIdentifier(node.name) &&
      node.initializer
    ) {
      constants.set(node.name.text, node.initializer);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return constants;
}

function property(node, name) {
  return node && ts.isObjectLiteralExpression(node)
    ? node.properties.find(
        one => ts.isPropertyAssignment(one) && one.name.getText() === name,
      )?.initializer
    : undefined;
}

function textOf(node, constants) {
  const value = node && ts.isIdentifier(node) ? constants.get(node.text) : node;
  return value && ts.isStringLiteralLike(value) ? value.text : undefined;
}

/** The name in `getMeter(name)`, where the instrument is made through such a meter. */
function meterOf(node, constants) {
  const value = ts.isIdentifier(node) ? constants.get(node.text) : node;
  return value &&
    ts.isCallExpression(value) &&
    ts.isPropertyAccessExpression(value.expression) &&
    value.expression.name.text === 'getMeter'
    ? textOf(value.arguments[0], constants)
    : undefined;
}
