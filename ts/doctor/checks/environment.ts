import type { App } from '../App';
import { type DeclaredFile, declaredFile } from '../DeclaredFile';
import type { Finding } from '../Finding';
import { exporterNames, isSwitchedOff } from '../PageSettings';
import type { MetricsOptions } from '../../options/options';
import { validate } from '../validation';

/** Variables of one place, and how findings name it. */
interface Place {
  what: string;
  file?: string;
  variables: Record<string, string>;
}

/** Whether `OTEL_*` variables switch metrics off or are wrong. */
export async function environment(app: App): Promise<Finding[]> {
  const alone = await validate(app.options, {});
  const isReadable =
    alone.error === undefined && app.optionsProblem === undefined;
  const findings = await Promise.all(
    places(app).map(place =>
      inspect(app, place, isReadable ? alone.warnings : undefined),
    ),
  );
  return findings.flat();
}

function places(app: App): Place[] {
  const own = Object.entries(app.environment).filter(
    (entry): entry is [string, string] =>
      entry[0].startsWith('OTEL_') && Boolean(entry[1]?.trim()),
  );
  return [
    { what: 'environment', variables: Object.fromEntries(own) },
    ...app.launchers.map(({ what, file, environment: variables }) => ({
      what,
      file,
      variables,
    })),
  ].filter(({ variables }) => Object.keys(variables).length > 0);
}

/** @param known - Warnings without the place; `undefined` where the configuration itself is wrong. */
async function inspect(
  app: App,
  place: Place,
  known: string[] | undefined,
): Promise<Finding[]> {
  const { options, root, backends } = app;
  const declared = await declaredFile(place.variables, [
    root,
    ...backends.map(({ directory }) => directory),
  ]);
  const off = declared
    ? unusable(place, declared)
    : switchedOff(place, options);
  if (off || !known) {
    return off ? [off] : [];
  }
  const file = declared?.state === 'read' ? declared.file : undefined;
  const { error, warnings } = await validate(options, place.variables, file);
  const found: Finding[] = warnings
    .filter(warning => !known.includes(warning))
    .map(warning => wrong('warning', place, warning));
  return error === undefined ? found : [wrong('problem', place, error)];
}

/** What keeps a file from being looked at, or metrics from being there. */
function unusable(
  { what, file }: Place,
  declared: DeclaredFile,
): Finding | undefined {
  const found = (
    severity: Finding['severity'],
    message: string,
    fix: string,
  ): Finding => ({ check: 'environment', severity, message, file, fix });
  switch (declared.state) {
    case 'absent':
      return found(
        'note',
        `${declared.variable} in the ${what} names ${declared.name}, which is not here: what it says of the page and of exporters is not known.`,
        'Run the doctor where the file is.',
      );
    case 'wrong':
      return found(
        'problem',
        `in the ${what}: ${declared.message}.`,
        `Change ${declared.name}.`,
      );
    case 'read':
      return declared.isDisabled
        ? found(
            'problem',
            `${declared.file.name}, which ${declared.variable} names in the ${what}, says disabled: no metrics are kept or exported.`,
            `Remove disabled from ${declared.file.name}.`,
          )
        : undefined;
  }
}

function switchedOff(
  { what, file, variables }: Place,
  { exporters }: MetricsOptions,
): Finding | undefined {
  if (variables.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') {
    return {
      check: 'environment',
      severity: 'problem',
      message: `OTEL_SDK_DISABLED is true in the ${what}: no metrics are kept or exported.`,
      file,
      fix: 'Remove OTEL_SDK_DISABLED. To switch off traces alone, set OTEL_TRACES_EXPORTER=none.',
    };
  }
  const isOn = Object.values(exporters ?? {}).some(
    exporter => exporter !== undefined && !isSwitchedOff(exporter),
  );
  if (exporterNames(variables)?.every(name => name === 'none') && !isOn) {
    return {
      check: 'environment',
      severity: 'problem',
      message: `OTEL_METRICS_EXPORTER is none in the ${what}, and the configuration has no exporter: nothing is exported.`,
      file,
      fix: 'Remove OTEL_METRICS_EXPORTER, or set `backend.metrics.exporters.prometheus: true` in app-config.yaml, which goes before it.',
    };
  }
  return undefined;
}

function wrong(
  severity: 'problem' | 'warning',
  { what, file }: Place,
  message: string,
): Finding {
  const [variable] = message.split(': ');
  return {
    check: 'environment',
    severity,
    message: `in the ${what}: ${message}.`,
    file,
    fix: `Change or remove ${variable}.`,
  };
}
