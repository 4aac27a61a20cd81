import { existsSync } from 'node:fs';
import path from 'node:path';
import type { NativeConfigFile } from '../../binding';
import { configFile } from '../declarative/configFile';
import { isMap } from './AppFiles';

type Environment = Record<string, string | undefined>;

/**
 * The file of OpenTelemetry's declarative configuration that `OTEL_CONFIG_FILE` names: with it, no other
 * variable counts.
 */
export type DeclaredFile =
  /** It is not here, as that of an image is not. */
  | { state: 'absent'; name: string; variable: string }
  | { state: 'wrong'; name: string; message: string }
  | {
      state: 'read';
      /** What names it. */
      variable: string;
      file: NativeConfigFile;
      isDisabled: boolean;
      /** Settings of its page, unchecked; `undefined` where it has none. */
      page?: Record<string, unknown>;
    };

/**
 * `undefined` where the variables name none.
 *
 * @param directories - Where a backend may be started: what a relative path begins at.
 */
export async function declaredFile(
  variables: Environment,
  directories: string[],
): Promise<DeclaredFile | undefined> {
  const named = configFile(variables);
  if (!named) {
    return undefined;
  }
  const { name, variable } = named;
  const found = directories
    .map(directory => path.resolve(directory, name))
    .find(existsSync);
  if (found === undefined) {
    return { state: 'absent', name, variable };
  }
  try {
    // An app without `@opentelemetry/api` cannot load it, and is told so by another check.
    const { readConfigFile } = await import('../declarative/readConfigFile.js');
    const { content } = readConfigFile({ ...named, name: found }, variables);
    const model: unknown = JSON.parse(content);
    return {
      state: 'read',
      variable,
      file: { name, content },
      isDisabled: isMap(model) && model.disabled === true,
      page: pageOf(model),
    };
  } catch (error) {
    const [line] = (error as Error).message.split('\n');
    const message = line.replaceAll(found, name);
    return { state: 'wrong', name, message };
  }
}

/** The addon says what is wrong with it; here it may be anything. */
function pageOf(model: unknown): Record<string, unknown> | undefined {
  const at = (value: unknown, key: string) =>
    isMap(value) ? value[key] : undefined;
  const readers = at(at(model, 'meter_provider'), 'readers');
  const exporters = (Array.isArray(readers) ? readers : []).map(reader =>
    at(at(reader, 'pull'), 'exporter'),
  );
  const page = exporters.find(
    exporter => isMap(exporter) && 'prometheus/development' in exporter,
  );
  const settings = at(page, 'prometheus/development');
  return page === undefined ? undefined : isMap(settings) ? settings : {};
}
