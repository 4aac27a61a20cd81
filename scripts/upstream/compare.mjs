const SECONDS = new Set(['s', 'seconds', 'second']);
/** What Backstage's packages write where they mean none. */
const NONE = new Set(['', 'short', '1']);

/**
 * What the table of renames and the metrics of Backstage's packages do not have in common. Each
 * finding's `what` stays the same from release to release; `where` is for people.
 *
 * @returns {Array<{ what: string, where: string }>}
 */
export function compareMetrics(emitted, renames) {
  return [
    ...unreadable(emitted),
    ...compareInstruments(
      emitted.filter(({ api, name }) => api === 'otel' && name),
      renames,
    ),
    ...compareTwins(
      emitted.filter(({ api, name }) => api === 'prom' && name),
      renames,
    ),
  ];
}

/** Findings that nobody noted, and notes of what is no longer found. */
export function unnoted(findings, accepted) {
  for (const { what, reason } of accepted) {
    if (!what || !reason) {
      throw new Error(
        `Each entry of accepted.mjs needs \`what\` and \`reason\`; got ${JSON.stringify({ what, reason })}`,
      );
    }
  }
  const noted = new Set(accepted.map(({ what }) => what));
  const found = new Set(findings.map(({ what }) => what));
  return [
    ...findings.filter(({ what }) => !noted.has(what)),
    ...accepted
      .filter(({ what }) => !found.has(what))
      .map(({ what }) => ({
        what: `no longer found: ${what}`,
        where: 'scripts/upstream/accepted.mjs',
      })),
  ];
}

function unreadable(emitted) {
  return emitted
    .filter(({ name }) => name === undefined)
    .map(one => ({
      what: `unreadable: the name of a ${one.kind ?? 'prom-client metric'} of ${one.package}`,
      where: place(one),
    }));
}

function compareInstruments(emitted, renames) {
  const findings = [];
  for (const one of emitted) {
    const named = renames.filter(({ old }) => old === one.name);
    if (named.length === 0) {
      findings.push({
        what: `new: ${one.kind} ${one.name}`,
        where: place(one),
      });
      continue;
    }
    const differences = named.map(rename => differencesOf(one, rename));
    if (differences.every(({ length }) => length > 0)) {
      findings.push(
        ...differences[0].map(difference => ({
          what: `changed: ${one.name} ${difference}`,
          where: place(one),
        })),
      );
    }
  }
  for (const { old, kind } of renames) {
    if (!emitted.some(({ name }) => name === old)) {
      findings.push({ what: `gone: ${kind} ${old}`, where: 'renames.rs' });
    }
  }
  return findings;
}

function differencesOf(one, rename) {
  const differences = [];
  if (one.kind !== rename.kind) {
    differences.push(`is a ${one.kind}, in the table a ${rename.kind}`);
  }
  if (one.meter !== rename.meter) {
    differences.push(
      `comes from ${source(one.meter)}, in the table from ${source(rename.meter)}`,
    );
  }
  if (
    !rename.meter &&
    rename.plugin !== '{id}' &&
    one.plugin &&
    one.plugin !== rename.plugin
  ) {
    differences.push(
      `belongs to the plugin ${one.plugin}, in the table to ${rename.plugin}`,
    );
  }
  const unit = one.unit ?? '';
  const isSeconds = SECONDS.has(unit);
  if (
    !NONE.has(unit) &&
    !unit.startsWith('{') &&
    isSeconds !== (rename.unit === 's')
  ) {
    differences.push(
      `is in ${JSON.stringify(unit)}, in the table in ${JSON.stringify(rename.unit)}`,
    );
  }
  return differences;
}

function source(meter) {
  return meter === undefined
    ? 'the metrics service'
    : `the meter ${JSON.stringify(meter)}`;
}

function compareTwins(emitted, renames) {
  const twins = renames.flatMap(({ twin }) => twin ?? []);
  return [
    ...emitted
      .filter(({ name }) => !twins.includes(name))
      .map(one => ({
        what: `new in prom-client: ${one.name}`,
        where: place(one),
      })),
    ...twins
      .filter(twin => !emitted.some(({ name }) => name === twin))
      .map(twin => ({
        what: `gone from prom-client: ${twin}`,
        where: 'renames.rs',
      })),
  ];
}

function place({ package: name, version, file }) {
  return `${name} ${version}, ${file}`;
}
