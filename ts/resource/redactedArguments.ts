const REDACTED = '[REDACTED]';

/** Names of options and parameters whose values nobody should see. */
const SECRET =
  /pass(wd|word|phrase|code)?|pwd|secret|token|credential|authorization|\bauth\b|bearer|cookie|(api|access|private|account|encryption|signing)[-_.]?key|\bkey\b|dsn|connection[-_.]?string/i;

const PARAMETER = /([?&;]([^=&;#\s]+)=)([^&;#\s]+)/g;

/**
 * The arguments of a program without what looks like a secret: values of options whose names say so,
 * passwords and tokens within URLs, and headers with credentials.
 */
export function redactedArguments(args: string[]): string[] {
  let isValueSecret = false;
  return args.map(arg => {
    const follows = isValueSecret && !arg.startsWith('-');
    isValueSecret = /^-[^=]*$/.test(arg) && SECRET.test(arg);
    if (follows) {
      return REDACTED;
    }
    const [, name] = /^([^=\s:/?]+)=/s.exec(arg) ?? [];
    if (name !== undefined && SECRET.test(name)) {
      return `${name}=${REDACTED}`;
    }
    return arg
      .replace(/:\/\/[^/\s]*@/g, `://${REDACTED}@`)
      .replace(PARAMETER, (all: string, before: string, key: string) =>
        SECRET.test(key) ? `${before}${REDACTED}` : all,
      )
      .replace(/\b(bearer|basic)\s+\S+/gi, `$1 ${REDACTED}`);
  });
}
