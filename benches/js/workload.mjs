// What is recorded: the same values and attributes, in the same order, for every side.

/** Recordings go around a pool of this many, a power of two. */
export const POOL = 1024;

/** Laps around the pool in one call; a round's laps are a multiple. */
const LAPS = 8;

/** A pseudo-random sequence that is the same in every run. */
function* numbers(seed) {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

const random = numbers(7);
const draw = () => random.next().value;

/** Early entries come up more often than late ones, as routes and entity kinds do. */
const pick = list => list[Math.floor(draw() ** 2 * list.length)];

const range = (count, make) => Array.from({ length: count }, (_, i) => make(i));

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'];
const STATUSES = [200, 201, 204, 304, 400, 401, 404, 409, 500, 503];
const REGIONS = ['eu-west-1', 'us-east-1', 'ap-south-1'];
const PLUGINS = ['catalog', 'scaffolder', 'search', 'techdocs', 'auth'];
// Routes are literals in a program, and V8 has one copy of each literal: so are property names.
const ROUTES = Object.keys(
  Object.fromEntries(
    range(60, i => [`/${PLUGINS[i % 5]}/entities/:kind/${i}`, undefined]),
  ),
);

/**
 * 1 024 draws from several hundred series. Every attribute is a column: a request brings its
 * method, route and status, and the recording code makes an object of them.
 */
function drawColumns() {
  const columns = {
    plugin: [],
    route: [],
    status: [],
    method: [],
    cached: [],
    scheme: [],
    version: [],
    region: [],
    authenticated: [],
    outcome: [],
  };
  for (let i = 0; i < POOL; i++) {
    const route = pick(ROUTES);
    // Cut out of a URL: equal to another request's, and not the same string object.
    columns.plugin.push(route.split('/')[1]);
    columns.route.push(route);
    columns.status.push(pick(STATUSES));
    columns.method.push(pick(METHODS));
    columns.cached.push(draw() < 0.2);
    columns.scheme.push(draw() < 0.05 ? 'http' : 'https');
    columns.version.push(draw() < 0.1 ? '2' : '1.1');
    columns.region.push(pick(REGIONS));
    columns.authenticated.push(draw() < 0.9);
    columns.outcome.push(columns.status[i] < 400 ? 'success' : 'failure');
  }
  return columns;
}

const drawn = drawColumns();

/** The attributes that a record has, the first so many of these. */
const NAMES = [
  'method',
  'route',
  'status',
  'plugin',
  'cached',
  'scheme',
  'version',
  'region',
  'authenticated',
  'outcome',
];

/**
 * At a monomorphic call site: one instrument, one shape of object. Without attributes four
 * instruments take turns, each at a call site of its own: one alone, over and over, measures how
 * long an addition waits for the one before it (3.3 ns for a bare cell, whatever is around it), and
 * no program counts like that.
 */
const monoKeys = count =>
  count === 0 ? [[], [], [], []] : [NAMES.slice(0, count)];

/** At a megamorphic one: as many shapes and instruments as a backend's helpers see. */
const megaKeys = count =>
  range(16, shape => range(count, key => `key_${shape}_${key}`));

/**
 * One case: `shapes` has the attribute keys of each instrument, `columns` the values of the
 * attributes, `which` the instrument of each recording and `values` what is recorded. Values are
 * sums of powers of two, so that totals are exact in any order.
 */
export function workload({ site, kind, attributes }) {
  const shapes = (site === 'mono' ? monoKeys : megaKeys)(attributes);
  const mono = site === 'mono';
  return {
    kind,
    shapes,
    mono,
    columns: NAMES.slice(0, attributes).map(name => drawn[name]),
    which: range(POOL, i =>
      mono ? i % shapes.length : Math.floor(draw() * shapes.length),
    ),
    values: range(POOL, () =>
      kind === 'counter'
        ? 1 + Math.floor(draw() ** 4 * 8)
        : (1 + Math.floor(draw() ** 3 * 8192)) / 1024,
    ),
  };
}

/** What every side must have counted after `laps` times around the pool. */
export function expected({ shapes, columns, which, values }, laps) {
  const totals = new Map();
  for (let i = 0; i < POOL; i++) {
    const shape = which[i];
    const attributes = Object.fromEntries(
      shapes[shape].map((key, column) => [key, columns[column][i]]),
    );
    const series = seriesKey(instrumentName(shape), attributes);
    const total = totals.get(series) ?? { count: 0, sum: 0 };
    total.count += laps;
    total.sum += laps * values[i];
    totals.set(series, total);
  }
  return totals;
}

export const instrumentName = shape => `bench_instrument_${shape}`;

export function seriesKey(instrument, attributes) {
  const pairs = Object.entries(attributes).map(
    ([key, value]) => `${key}=${value}`,
  );
  return `${instrument}{${pairs.sort().join()}}`;
}

let loops = 0;

/**
 * The loop that records once around the pool, `laps` times. It is compiled from text for each side,
 * so that no side's calls leave their traces in the inline caches of another's.
 *
 * @param record - Writes the call: instrument, value and attributes are expressions.
 */
export function compileLoop({ shapes, columns, mono }, record) {
  const names = columns.map((_, column) => `c${column}`);
  const parameters = ['at', ...names].join(', ');
  const literal = keys =>
    `{ ${keys.map((key, column) => `${key}: ${names[column]}[at]`).join(', ')} }`;
  const turns = mono ? shapes.length : 1;
  const fixed = shapes.map((_, shape) => `instrument${shape}`);
  const recordings = range(turns, turn => {
    const instrument = mono ? fixed[turn] : 'targets[at]';
    const attributes = mono
      ? literal(shapes[turn])
      : `sources[at](${parameters})`;
    return `{
          const at = (i + ${turn}) & ${POOL - 1};
          ${record(instrument, 'values[at]', names.length > 0 && attributes)};
        }`;
  });
  const text = `
    const makers = [${shapes.map(keys => `(${parameters}) => (${literal(keys)})`)}];
    const loop = ([${fixed}], targets, sources, values, ${['laps', ...names]}) => {
      for (let i = 0; i < laps * ${POOL}; i += ${turns}) {
        ${recordings.join('\n')}
      }
    };
    return (instruments, { values, which, columns: [${names}] }, laps) => {
      const targets = which.map(shape => instruments[shape]);
      const sources = which.map(shape => makers[shape]);
      // Called often, as the code of a program is, the loop is compiled as such; one long call would
      // measure the code that V8 puts under a running loop, which on Node 24 is not its best.
      for (let lap = 0; lap < laps; lap += ${LAPS}) {
        loop(instruments, targets, sources, values, ${[LAPS, ...names]});
      }
    };`;
  // Node 26 makes one function of equal texts.
  return new Function(`// Loop ${++loops}\n${text}`)();
}
