import type { App } from '../App';
import type { Finding } from '../Finding';
import type { InstrumentationFile } from '../InstrumentationFile';
import type { Launcher } from '../Launcher';
import type { SourceFile } from '../SourceFile';

const REGISTER = '@nativestage/metrics/register';
const AUTOMATIC = '@opentelemetry/auto-instrumentations-node/register';

/** Entries that register the provider. */
const ENTRIES = ['@nativestage/metrics', REGISTER, '@nativestage/metrics/sdk'];

const SDK = /\bnew\s+NodeSDK\s*\(|\bregisterInstrumentations\s*\(/;
const INSTRUMENTATION =
  /\bnew\s+\w*(?:NodeSDK|Instrumentation)\s*\(|\b(?:registerInstrumentations|getNodeAutoInstrumentations)\s*\(/;

/**
 * Whether instrumentations find our provider when they are made. Later they are given it when they
 * next have something to do, unless they never ask, such as that of Node's runtime.
 */
export function registerFirst(app: App): Promise<Finding[]> {
  return Promise.resolve([
    ...app.instrumentation
      .filter(file => makesInstrumentations(file) && !isLoadedFirst(file))
      .map(({ source }) => tooLate(source)),
    ...app.launchers.filter(startsAlone).map(automatic),
  ]);
}

function makesInstrumentations({ source }: InstrumentationFile): boolean {
  return SDK.test(source.text);
}

/** By the file itself, or by everything that starts Node with it. */
function isLoadedFirst({ source, launchers }: InstrumentationFile): boolean {
  const made = source.text.search(INSTRUMENTATION);
  const isImported = source
    .imports(...ENTRIES)
    // Static imports run before the rest of the file, wherever they stand.
    .some(
      ({ 0: text, index }) => index < made || /^import\b(?!\s*\()/.test(text),
    );
  return (
    isImported ||
    (launchers.length > 0 &&
      launchers.every(one => registersAhead(one, source)))
  );
}

function registersAhead({ preloads }: Launcher, { path }: SourceFile): boolean {
  const name = path
    .split(/[\\/]/)
    .at(-1)!
    .replace(/\.\w+$/, '');
  const at = preloads.findIndex(preload => preload.includes(name));
  const registered = preloads.findIndex(one => ENTRIES.includes(one));
  return registered >= 0 && registered < at;
}

function startsAlone({ preloads }: Launcher): boolean {
  const at = preloads.indexOf(AUTOMATIC);
  return at >= 0 && !preloads.slice(0, at).some(one => ENTRIES.includes(one));
}

function tooLate(source: SourceFile): Finding {
  return {
    check: 'register-first',
    severity: 'warning',
    message: `this file starts OpenTelemetry's SDK without ${REGISTER}: its instrumentations are made before there is a provider of ours, and some never find it.`,
    file: source.at(source.text.search(INSTRUMENTATION)),
    fix: `Make \`require('${REGISTER}');\` (or \`import '${REGISTER}';\`) its first line.`,
  };
}

function automatic({ file, what }: Launcher): Finding {
  return {
    check: 'register-first',
    severity: 'problem',
    message: `the ${what} preloads ${AUTOMATIC} without ${REGISTER} before it: it makes a metrics pipeline of its own, and the metrics of the instrumentations go there.`,
    file,
    fix: `Put \`--require ${REGISTER}\` before it.`,
  };
}
