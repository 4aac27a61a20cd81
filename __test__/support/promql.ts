import * as fc from 'fast-check';

const METRICS = [
  'up',
  'job:requests:rate5m',
  'a_total',
  'sum',
  'info',
  'start',
  'by',
  'offset_x',
];
const LABELS = [
  'job',
  'namespace',
  'by',
  'on',
  'offset',
  'bool',
  'inf',
  'le',
  '__name__',
];
const DURATIONS = ['5m', '1h30m', '90', '1d', '100ms'];
const AGGREGATIONS = ['sum', 'avg', 'count', 'MIN', 'max', 'group', 'stddev'];
const RANGE_FUNCTIONS = [
  'rate',
  'increase',
  'max_over_time',
  'changes',
  'last_over_time',
];
const FUNCTIONS = [
  'abs',
  'ceil',
  'sort',
  'absent',
  'timestamp',
  'histogram_count',
  'exp',
];
const OPERATORS = [
  '+',
  '-',
  '*',
  '/',
  '%',
  '^',
  '==',
  '!=',
  '>',
  '<=',
  '> bool',
  '== bool',
];
const SET_OPERATORS = ['and', 'or', 'unless', 'AND'];

const space = fc.constantFrom('', ' ', '\n', '\t  ');
const value = fc.oneof(
  fc.constantFrom(
    '',
    'a,b|c',
    '{x="y"}',
    "it's",
    '(',
    ')]}',
    '# no',
    'a\\nb',
    'up{}',
  ),
  fc.string({ maxLength: 8 }),
  fc.string({ unit: 'binary', maxLength: 5 }).map(text => text.toWellFormed()),
);

/** A string literal of each kind that says the value. */
const literal = fc
  .tuple(value, fc.constantFrom('"', "'", '`'))
  .map(([text, delimiter]) =>
    delimiter === '`'
      ? `\`${text.replace(/[`\ufffd\r]/g, '')}\``
      : delimiter + escaped(text, delimiter) + delimiter,
  );

const name = fc.oneof(
  fc.constantFrom(...LABELS.slice(0, -1)),
  fc.constantFrom('"quoted.label"', "'é'", '`x-y`'),
);

const matcher = fc.oneof(
  fc
    .tuple(name, space, fc.constantFrom('=', '!='), space, literal)
    .map(parts => parts.join('')),
  fc
    .tuple(
      name,
      fc.constantFrom('=~', '!~'),
      fc.constantFrom('".+"', "'a|b,c'", '`[(]`', '".*x.*"'),
    )
    .map(parts => parts.join('')),
);

/** The server wants a matcher that does not match the empty string, or a name. */
const braces = (needed: string[]) =>
  fc
    .tuple(fc.array(matcher, { maxLength: 3 }), space, fc.boolean())
    .map(([matchers, gap, trailing]) => {
      const all = [...needed, ...matchers];
      return `{${all.join(`${gap},`)}${trailing && all.length > 0 ? ',' : ''}${gap}}`;
    });

const selector = fc.oneof(
  fc.constantFrom(...METRICS),
  fc.tuple(fc.constantFrom(...METRICS), space, braces([])).map(join),
  braces(['__name__=~"u.+"']),
  braces(['"quoted.metric"']),
  braces(["job='a'"]),
);

/** Queries that Prometheus accepts, with space and strings that look like other things. */
export const query = fc.letrec<{ vector: string; range: string }>(tie => {
  const { vector, range } = { vector: tie('vector'), range: tie('range') };
  const labels = fc
    .array(name, { maxLength: 3 })
    .map(names => `(${names.join(', ')})`);
  const duration = fc.constantFrom(...DURATIONS);
  return {
    vector: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      selector,
      fc
        .tuple(
          selector,
          fc.constantFrom(
            ' offset 5m',
            ' offset -1h',
            ' @ 1700000000',
            ' @ end()',
            ' @ start() offset 1m',
          ),
        )
        .map(join),
      fc
        .tuple(fc.constant('('), space, vector, space, fc.constant(')'))
        .map(join),
      fc
        .tuple(fc.constantFrom(...FUNCTIONS), space, vector)
        .map(([f, gap, v]) => `${f}${gap}(${v})`),
      fc
        .tuple(fc.constantFrom(...RANGE_FUNCTIONS), range)
        .map(([f, r]) => `${f}(${r})`),
      fc
        .tuple(
          fc.constantFrom(...AGGREGATIONS),
          fc.constantFrom('by', 'without'),
          labels,
          vector,
          fc.boolean(),
        )
        .map(([f, by, names, v, first]) =>
          first ? `${f} ${by} ${names} (${v})` : `${f}(${v}) ${by} ${names}`,
        ),
      fc
        .tuple(vector, fc.constantFrom(...OPERATORS), vector)
        .map(parts => `(${parts.join(' ')})`),
      fc
        .tuple(
          vector,
          fc.constantFrom(...SET_OPERATORS),
          fc.constantFrom('', 'on(job)', 'ignoring()'),
          vector,
        )
        .map(parts => `(${parts.join(' ')})`),
      fc
        .tuple(vector, fc.constantFrom('* 2', '/ 0x1F', '- Inf', '> 1e-3'))
        .map(parts => `(${parts.join(' ')})`),
      vector.map(v => `-(${v})`),
      vector.map(v => `histogram_quantile(0.9, ${v})`),
      vector.map(v => `topk(3, ${v})`),
      fc
        .tuple(vector, literal)
        .map(
          ([v, s]) => `label_replace(${v}, "dst", ${s}, "src", "(.*),(.*)")`,
        ),
      vector.map(v => `vector(scalar(${v}))`),
    ),
    range: fc.oneof(
      { maxDepth: 3 },
      fc
        .tuple(selector, space, duration)
        .map(([s, gap, d]) => `${s}${gap}[${d}]`),
      fc
        .tuple(vector, duration, fc.constantFrom(':', ':1m', ': 30s'))
        .map(([v, d, step]) => `(${v})[${d}${step}]`),
    ),
  };
}).vector;

/** What the parsers of two worlds are most likely to see differently. */
const SPLINTER = fc.constantFrom(
  '"',
  "'",
  '`',
  '\\',
  '#',
  '\r',
  '\n',
  ' ',
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  ',',
  '|',
  ':',
  '=',
  '!',
  '~',
  '@',
  '$',
  '-',
  '\u00a0',
  '\u2028',
  '\ufeff',
  '\0',
  '\\"',
  '\\x22',
  '# \r or b',
  ' or secret',
  '{}',
  ' offset ',
  '\u200b',
  '//',
  '/*',
  '--',
  ';',
);

/** Queries with splinters driven in: most are refused, and few mean something else. */
export const splintered = fc
  .tuple(
    query,
    fc.array(fc.tuple(SPLINTER, fc.nat()), { minLength: 1, maxLength: 4 }),
  )
  .map(([text, splinters]) =>
    splinters.reduce((whole, [splinter, at]) => {
      const place = at % (whole.length + 1);
      return whole.slice(0, place) + splinter + whole.slice(place);
    }, text),
  );

function escaped(text: string, delimiter: string): string {
  return text.replace(/[\\"'\p{Cc}\ufffd\u2028\u2029]/gu, character =>
    character === '"' || character === "'"
      ? character === delimiter
        ? `\\${character}`
        : character
      : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function join(parts: string[]): string {
  return parts.join('');
}
