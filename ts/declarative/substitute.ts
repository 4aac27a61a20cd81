/** What stands between `${` and `}` and is neither a variable nor one with a default. */
export class InvalidReference extends Error {}

/** The whole reference; the first `}` ends it. */
const REFERENCE = /\$\{([^}]+)\}/g;

const VARIABLE = /^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^\n]*))?$/;

/**
 * Replaces references to variables (declarative configuration, "Environment variable substitution"):
 * `${NAME}`, `${env:NAME}` and `${NAME:-default}`; `$$` is one `$` and begins nothing. What is put in
 * is not looked at again.
 *
 * @throws InvalidReference where a reference is of another form
 */
export function substitute(
  text: string,
  variables: Record<string, string | undefined>,
): string {
  return text
    .split('$$')
    .map(part =>
      part.replace(REFERENCE, (reference, content: string) => {
        const match = VARIABLE.exec(content);
        if (!match) {
          throw new InvalidReference(reference);
        }
        const [, name, fallback = ''] = match;
        return variables[name] || fallback;
      }),
    )
    .join('$');
}
