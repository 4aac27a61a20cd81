import type { Entity } from '@backstage/catalog-model';
import { clip } from '../position';
import { QueryError } from './QueryError';
import { scan } from './scan';
import { escape } from './strings';
import { MAX_QUERY_LENGTH } from './syntax';

/** Fields of an entity that may be named. */
const FIELDS = [
  'kind',
  'metadata.name',
  'metadata.namespace',
  'metadata.title',
  'spec.type',
  'spec.lifecycle',
  'spec.owner',
  'spec.system',
  'spec.domain',
];

/** Maps of an entity; all that follows the name is the key, dots and slashes included. */
const MAPS = ['metadata.labels', 'metadata.annotations'];

const VARIABLE = /\$\{\{([^{}]*)\}\}|\$\{\{/g;

/** What an RE2 expression takes for more than itself, also inside of `[…]`. */
const REGEX_SPECIAL = /[\\.+*?()|[\]{}^$-]/g;

/** A string in a selector's braces. */
interface Place {
  from: number;
  to: number;
  delimiter: string;
  isRegex: boolean;
  /** Whether escapes may mean nothing in it. */
  hasQuotedPart: boolean;
}

/** Keys of an entity that an error names. */
const MAX_KEYS = 20;

/**
 * Replaces `${{ entity.… }}` in a query by what the entity has there. A variable may stand only in
 * a string in a selector's braces: the value of a label, as in
 * `{namespace="${{ entity.metadata.namespace }}"}`, or a quoted name. Its value is escaped: it
 * cannot end the string, and behind `=~` and `!~` it matches nothing but itself. There is no
 * expression language; the variables are `kind`, `metadata.name`, `metadata.namespace`,
 * `metadata.title`, `metadata.labels.<key>`, `metadata.annotations.<key>`, `spec.type`,
 * `spec.lifecycle`, `spec.owner`, `spec.system` and `spec.domain`, all after `entity.`.
 *
 * @throws QueryError for an unknown variable, one that stands elsewhere, and a field that the
 *   entity lacks
 */
export function substituteInQuery(query: string, entity: Entity): string {
  const places = placesOf(query);
  let next = 0;
  return replaceVariables(query, entity, (value, offset) => {
    // Both are in the query's order.
    while (next < places.length && places[next].to <= offset) {
      next++;
    }
    const place = places.at(next);
    if (!place || offset <= place.from) {
      throw new QueryError(
        query,
        'a variable may stand only in the value of a label, such as {namespace="${{ entity.metadata.namespace }}"}',
        offset,
      );
    }
    const problem = conflict(query, place, value, offset);
    if (problem !== undefined) {
      throw new QueryError(query, problem, offset);
    }
    return escapeFor(place, value);
  });
}

/**
 * Replaces `${{ entity.… }}` in a text that is no query, such as the value of an enforced label.
 * Nothing is escaped.
 *
 * @throws QueryError for an unknown variable and a field that the entity lacks
 */
export function substituteInText(text: string, entity: Entity): string {
  return replaceVariables(text, entity, value => value);
}

function replaceVariables(
  text: string,
  entity: Entity,
  toText: (value: string, offset: number) => string,
): string {
  let { length } = text;
  return text.replace(
    VARIABLE,
    (written, name: string | undefined, offset: number) => {
      if (name === undefined) {
        throw new QueryError(text, 'the variable has no "}}"', offset);
      }
      const { value, problem } = lookUp(entity, name.trim());
      if (value === undefined) {
        throw new QueryError(text, problem, offset);
      }
      const fits = (added: number) => {
        if (length - written.length + added > MAX_QUERY_LENGTH) {
          throw new QueryError(
            text,
            `with what its variables say the query has more than ${MAX_QUERY_LENGTH} characters`,
            offset,
          );
        }
      };
      // Before it is escaped, which takes time, and after, for that makes it longer.
      fits(value.length);
      const filled = toText(value, offset);
      fits(filled.length);
      length += filled.length - written.length;
      return filled;
    },
  );
}

/**
 * By the grammar's rule for matchers: in braces, a string behind `=~` or `!~` is an expression. It
 * is read off the tokens, so that it also holds in queries of MetricsQL, which do not parse.
 */
function placesOf(query: string): Place[] {
  const places: Place[] = [];
  const open: string[] = [];
  for (const { kind, from, to } of scan(query)) {
    if (kind === 'open') {
      open.push(query[from]);
    } else if (kind === 'close') {
      open.pop();
    } else if (kind === 'string' && open.at(-1) === '{') {
      const before = query.slice(0, from).trimEnd();
      const isRegex = before.endsWith('=~') || before.endsWith('!~');
      places.push({
        from,
        to,
        delimiter: query[from],
        isRegex,
        hasQuotedPart: isRegex && query.slice(from, to).includes('\\Q'),
      });
    }
  }
  return places;
}

/** Where escaping the value would not be enough. */
function conflict(
  query: string,
  { delimiter, hasQuotedPart }: Place,
  value: string,
  offset: number,
): string | undefined {
  if (query[offset - 1] === '\\') {
    return 'a backslash before a variable would undo the escaping of its value';
  }
  if (hasQuotedPart) {
    return 'a variable cannot stand in an expression with \\Q, where escapes mean nothing';
  }
  return delimiter === '`' && value.includes('`')
    ? 'the value of this variable has a backquote, which a string in backquotes cannot hold; use double quotes'
    : undefined;
}

function escapeFor({ delimiter, isRegex }: Place, value: string): string {
  const text = isRegex ? value.replace(REGEX_SPECIAL, '\\$&') : value;
  return delimiter === '"' || delimiter === "'"
    ? escape(text, delimiter)
    : text;
}

function lookUp(
  entity: Entity,
  name: string,
):
  | { value: string; problem?: undefined }
  | { value?: undefined; problem: string } {
  const path = name.startsWith('entity.') ? name.slice('entity.'.length) : '';
  const map = MAPS.find(prefix => path.startsWith(`${prefix}.`));
  if (map === undefined && !FIELDS.includes(path)) {
    const known = [...FIELDS, ...MAPS.map(prefix => `${prefix}.<key>`)];
    return {
      problem: `there is no variable "${clip(name)}"; there are ${known.map(field => `entity.${field}`).join(', ')}`,
    };
  }
  const value =
    map === undefined
      ? valueAt(entity, path.split('.'))
      : valueAt(entity, [...map.split('.'), path.slice(map.length + 1)]);
  return typeof value === 'string'
    ? { value }
    : { problem: missing(entity, name, map) };
}

function missing(entity: Entity, variable: string, map?: string): string {
  const name = clip(variable);
  const which = `${entity.kind} "${entity.metadata.name}"`;
  if (map === undefined) {
    return `${which} has no ${name}`;
  }
  const all = Object.keys(valueAt(entity, map.split('.')) ?? {});
  const keys = all.slice(0, MAX_KEYS).map(clip).join(', ');
  return all.length > 0
    ? `${which} has no ${name}; its keys there are ${keys}${all.length > MAX_KEYS ? ', …' : ''}`
    : `${which} has no ${name}, and no entity.${map} at all`;
}

function valueAt(entity: Entity, path: string[]): unknown {
  let value: unknown = withDefaults(entity);
  for (const key of path) {
    if (
      typeof value !== 'object' ||
      value === null ||
      !Object.hasOwn(value, key)
    ) {
      return undefined;
    }
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** Backstage leaves out the namespace of an entity that is in the default one. */
function withDefaults(entity: Entity): Entity {
  return {
    ...entity,
    metadata: {
      ...entity.metadata,
      namespace: entity.metadata.namespace ?? 'default',
    },
  };
}
