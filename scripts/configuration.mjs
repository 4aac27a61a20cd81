// Writes docs/configuration.md from the schemas that Backstage reads, each package's `config.d.ts`;
// `--check` only compares.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { loadConfigSchema } from '@backstage/config-loader';
import { format } from 'prettier';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = `${root}docs/configuration.md`;

/** Where a package's settings begin in its schema, and what stands above their tables. */
const PARTS = [
  {
    folder: '',
    at: ['backend', 'metrics'],
    text: 'The metrics service, `@nativestage/metrics`. An unknown key or a wrong value is an error at start that names its path.',
  },
  {
    folder: 'plugins/prometheus-backend/',
    at: ['prometheus'],
    text: 'The backend plugin, `@nativestage/backstage-plugin-prometheus-backend`.',
  },
  {
    folder: 'plugins/prometheus/',
    at: ['prometheus'],
    text: 'The frontend plugin, `@nativestage/backstage-plugin-prometheus`. A browser gets these settings.',
  },
];

/** A duration is an object of these, which Backstage's schema spells out each time. */
const OF_A_DURATION = 'milliseconds';

/** Objects with more keys than this that stand in several places get a table of their own. */
const FEW_KEYS = 2;

const sections = [];
for (const part of PARTS) {
  sections.push(await sectionOf(part));
}
const text = `# Configuration

<!-- written by \`npm run configuration\`: change config.d.ts instead -->

Every key of \`app-config.yaml\` that the packages read. Every key that is not marked _required_ is optional. A _duration_ is \`{ seconds: 30 }\`, a number of milliseconds where the type allows a number, or a text such as \`30s\`. Backstage never sends a _secret_ to a browser. [Operating](operating.md) shows the settings in use, and [lists](operating.md#variables) the \`OTEL_*\` variables.

${sections.join('\n\n')}
`;
const after = await format(text, { parser: 'markdown' });
if (process.argv.includes('--check')) {
  if (after !== (await readFile(file, 'utf8').catch(() => ''))) {
    console.error(
      'docs/configuration.md is out of date: run `npm run configuration`',
    );
    process.exitCode = 1;
  }
} else {
  await writeFile(file, after);
}

async function sectionOf({ folder, at, text }) {
  const loaded = await loadConfigSchema({
    dependencies: [],
    packagePaths: [`${root}${folder}package.json`],
  });
  const { schemas } = loaded.serialize();
  const own = schemas.find(schema =>
    schema.path.endsWith(`${folder}config.d.ts`),
  );
  const schema = at.reduce((inner, key) => inner.properties[key], own.value);
  const path = at.join('.');
  const shared = sharedShapes(schema, path);
  const tables = [...shared.values()].map(
    ({ title, shape }) => `### ${title}\n\n${table(rowsOf(shape, '', shared))}`,
  );
  const title = `## \`${path}\`${folder.endsWith('prometheus/') ? ' in the app' : ''}`;
  return [title, text, table(rowsOf(schema, '', shared)), ...tables].join(
    '\n\n',
  );
}

function table(rows) {
  return ['| key | type | meaning |', '| --- | --- | --- |', ...rows].join(
    '\n',
  );
}

/** Objects that stand in several places, by their text. */
function sharedShapes(schema, path) {
  const found = new Map();
  visit(schema, undefined, (shape, key) => {
    const keys = Object.keys(shape.properties ?? {});
    if (!key || keys.length <= FEW_KEYS || isDuration(shape)) {
      return true;
    }
    const text = textOf(shape);
    const entry = found.get(text) ?? { shape, keys: [] };
    found.set(text, entry);
    // What stands in a shared object stands in one place.
    return entry.keys.push(key) === 1;
  });
  const shared = new Map();
  for (const [text, { shape, keys }] of found) {
    if (keys.length > 1) {
      // Kinds of instruments are keys too, and name no shape.
      const key = keys.includes('aggregation') ? 'aggregation' : keys[0];
      const type = shape.properties.type?.const;
      const name = type ? `${key}, ${type}` : key;
      shared.set(text, { name, shape, title: `\`${name}\` of \`${path}\`` });
    }
  }
  return shared;
}

/** Goes into what `see` returns true for. */
function visit(schema, key, see) {
  if (!see(schema, key)) {
    return;
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    visit(inner, name, see);
  }
  const others = [schema.items, schema.additionalProperties];
  for (const inner of [...others, ...(schema.anyOf ?? [])]) {
    if (typeof inner === 'object') {
      visit(inner, key, see);
    }
  }
}

/** Of a title, as GitHub makes it. */
function anchorOf(title) {
  return title
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}

/** A row for each key, and below it those of the objects that it has. */
function rowsOf(schema, prefix, shared) {
  return objectsIn(schema).flatMap(object => [
    ...Object.entries(object.properties ?? {}).flatMap(([key, inner]) => {
      const path = `${prefix}${key}`;
      const isRequired = object.required?.includes(key);
      return [
        row(path, inner, isRequired, shared),
        ...innerRows(inner, path, shared),
      ];
    }),
    ...innerRowsOfAny(object, prefix, shared),
  ]);
}

function innerRows(schema, path, shared) {
  const item = itemOf(schema);
  const alternatives = (schema.anyOf ?? [schema]).map(itemOf);
  if (alternatives.some(each => shared.has(textOf(each))) || isDuration(item)) {
    return [];
  }
  const isList = (schema.anyOf ?? [schema]).some(each => each.items);
  return rowsOf(schema, `${path}${isList ? '[]' : ''}.`, shared);
}

/** Of a map with any keys, whose values are objects. */
function innerRowsOfAny(object, prefix, shared) {
  const { additionalProperties: any } = object;
  return typeof any === 'object' && any.properties
    ? rowsOf(any, `${prefix}*.`, shared)
    : [];
}

function objectsIn(schema) {
  const item = itemOf(schema);
  if (item.anyOf) {
    return item.anyOf.flatMap(objectsIn);
  }
  return item.type === 'object' && !isDuration(item) ? [item] : [];
}

function itemOf(schema) {
  return schema.items ?? schema;
}

function isDuration(schema) {
  return OF_A_DURATION in (schema.properties ?? {});
}

function row(path, schema, isRequired, shared) {
  const marks = [
    isRequired ? '_required_' : '',
    schema.visibility === 'secret' || schema.deepVisibility === 'secret'
      ? '_secret_'
      : '',
  ].filter(Boolean);
  const description = (schema.description ?? '').replaceAll(/\s+/g, ' ');
  const meaning = [description, marks.join(', ')].filter(Boolean).join(' ');
  return `| \`${path}\` | ${typeOf(schema, shared)} | ${escaped(meaning)} |`;
}

function escaped(text) {
  return text.replaceAll('|', '\\|');
}

function typeOf(schema, shared) {
  const types = (schema.anyOf ?? [schema]).map(each => oneType(each, shared));
  return [...new Set(types)].filter(Boolean).join(' or ');
}

function oneType(schema, shared) {
  const known = shared.get(textOf(schema));
  if (known) {
    return `[\`${known.name}\`](#${anchorOf(known.title)})`;
  }
  if (isDuration(schema)) {
    return 'duration';
  }
  const words = schema.enum ?? ('const' in schema ? [schema.const] : undefined);
  if (words) {
    return words.map(word => `\`${word}\``).join(', ');
  }
  if (schema.anyOf) {
    return typeOf(schema, shared);
  }
  if (schema.items) {
    return `list of ${typeOf(schema.items, shared)}`;
  }
  if (schema.type === 'object') {
    return schema.additionalProperties && !schema.properties ? 'map' : 'object';
  }
  return Array.isArray(schema.type) ? schema.type.join(' or ') : schema.type;
}

/** Two places may have the same object for reasons of their own. */
function textOf(schema) {
  return JSON.stringify(schema, (key, value) =>
    key === 'description' && typeof value === 'string' ? undefined : value,
  );
}
