#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { type App, type AppOptions, NoAppError, openApp } from './doctor/App';
import { diagnose } from './doctor/diagnose';
import { count, jsonReport, textReport } from './doctor/report';

const USAGE = `Usage: metrics doctor [options]

Inspects a Backstage app and says what keeps its metrics from being exported.

  --cwd DIR       a folder of the app (default: the current one)
  --config FILE   a configuration file; may be given more than once
                  (default: app-config.yaml and app-config.local.yaml)
  --url URL       a running metrics page to check (default: the configured one)
  --json          a report for programs

The page's token is taken from METRICS_TOKEN, else from the configuration.
Exit code: 0 no problems, 1 problems, 2 wrong usage or no app.`;

interface Command extends AppOptions {
  json: boolean;
}

async function main(args: string[]): Promise<number> {
  const command = readCommand(args);
  if (!command) {
    console.error(USAGE);
    return 2;
  }
  let app: App;
  try {
    app = await openApp(command);
  } catch (error) {
    if (!(error instanceof NoAppError)) {
      throw error;
    }
    console.error(`metrics doctor: ${error.message}`);
    return 2;
  }
  const findings = await diagnose(app);
  const report = command.json ? jsonReport : textReport;
  console.log(report(app, findings));
  return count(findings, 'problem') > 0 ? 1 : 0;
}

/** `undefined` for anything but `doctor` with options that it knows. */
function readCommand(args: string[]): Command | undefined {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        cwd: { type: 'string' },
        config: { type: 'string', multiple: true },
        url: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const { cwd, config, url, json } = values;
    const isUsable = url === undefined || isPageUrl(new URL(url));
    return positionals.join(' ') === 'doctor' && isUsable
      ? { directory: cwd ?? process.cwd(), configFiles: config, url, json }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Credentials in it would stand in the report; a page of ours takes none. */
function isPageUrl({ protocol, username, password }: URL): boolean {
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

void main(process.argv.slice(2)).then(
  code => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(
      `metrics doctor: ${error instanceof Error ? error.message : String(error)}`,
    );
    process.exitCode = 2;
  },
);
