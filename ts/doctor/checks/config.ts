import type { App } from '../App';
import { isMap } from '../AppFiles';
import type { ConfigProblem } from '../AppConfig';
import type { Finding } from '../Finding';
import { validate } from '../validation';

/** Where settings of this package are that nobody reads. */
const MISPLACED = 'metrics';

/** Whether a backend starts with `backend.metrics` as it stands. */
export async function config(app: App): Promise<Finding[]> {
  if (app.appConfig.problem) {
    return [unreadable(app, app.appConfig.problem)];
  }
  if (app.optionsProblem !== undefined) {
    return [invalid(app, app.optionsProblem)];
  }
  const { error, warnings } = await validate(app.options, {});
  return [
    ...(await misplaced(app)),
    ...(error === undefined ? [] : [invalid(app, error)]),
    ...warnings.map(warning => doubtful(app, warning)),
  ];
}

/** Settings at the top level. */
async function misplaced(app: App): Promise<Finding[]> {
  const found: unknown = app.appConfig.config?.getOptional(MISPLACED);
  if (!isMap(found) || !(await hasOwnKey(found))) {
    return [];
  }
  const keys = Object.keys(found).map(key => `\`${MISPLACED}.${key}\``);
  return [
    {
      check: 'config',
      severity: 'problem',
      message: `nobody reads ${keys.join(', ')}: the settings of @nativestage/metrics are those of \`backend.metrics\`.`,
      file: app.configFiles,
      fix: `Move \`${MISPLACED}:\` below \`backend:\`.`,
    },
  ];
}

/** Another plugin may have settings under the same name. */
async function hasOwnKey(found: Record<string, unknown>): Promise<boolean> {
  const verdicts = await Promise.all(
    Object.keys(found).map(key => validate({ [key]: null }, {})),
  );
  return verdicts.some(({ error }) => !error?.includes('unknown'));
}

function unreadable(app: App, { kind, message }: ConfigProblem): Finding {
  return kind === 'loader'
    ? {
        check: 'config',
        severity: 'warning',
        message: `${message}: the checks of the configuration were left out.`,
        file: 'package.json',
        fix: 'Install the dependencies of the app, and add @backstage/backend-defaults to the backend if it is not among them.',
      }
    : {
        check: 'config',
        severity: 'problem',
        message: `the configuration cannot be read: ${message}.`,
        file: app.configFiles,
        fix: 'Mend what the message names; `--config FILE` (more than once, if need be) says which files the backend is started with.',
      };
}

function invalid(app: App, message: string): Finding {
  const [path] = message.split(': ');
  return {
    check: 'config',
    severity: 'problem',
    message: `the backend will not start: ${message}.`,
    file: app.configFiles,
    fix: `Change \`${path}\` as the message says; config.d.ts of @nativestage/metrics has all keys.`,
  };
}

function doubtful(app: App, message: string): Finding {
  const [path] = message.split(/[: ]/);
  return {
    check: 'config',
    severity: 'warning',
    message: `${message}.`,
    file: app.configFiles,
    fix: `Change or remove \`${path}\`.`,
  };
}
