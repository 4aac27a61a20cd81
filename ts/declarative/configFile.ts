type Variables = Record<string, string | undefined>;

/** The variables that may name a file, and what OpenTelemetry called them before. */
const CURRENT = 'OTEL_CONFIG_FILE';
const FORMER = 'OTEL_EXPERIMENTAL_CONFIG_FILE';

/** A file of OpenTelemetry's declarative configuration, by the variable that names it. */
export interface ConfigFile {
  variable: string;
  name: string;
  /** What to say of the variable. */
  note?: string;
}

/** `undefined` where the variables name none. A variable that is empty counts as unset. */
export function configFile(
  variables: Variables = process.env,
): ConfigFile | undefined {
  const name = variables[CURRENT]?.trim();
  if (name) {
    return { variable: CURRENT, name };
  }
  const former = variables[FORMER]?.trim();
  return former
    ? {
        variable: FORMER,
        name: former,
        note: `${FORMER} is the former name of ${CURRENT}, and is read as that; rename it`,
      }
    : undefined;
}
