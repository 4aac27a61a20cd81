import assert from 'node:assert/strict';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { build } from 'esbuild';
import {
  type Browser as Chromium,
  chromium,
  type ConsoleMessage,
  type Page,
} from 'playwright-core';
import { CHROMIUM } from './tools';

export interface PageOptions {
  /** A module from the repository's root: its bundle is the page's script. */
  entry?: string;
  /** The page's body. Defaults to a `div` with the id `root`. */
  html?: string;
  /** Modules to take instead of others when the entry is bundled, by name. */
  alias?: Record<string, string>;
  /** Pixels. Defaults to 1000 × 800. */
  viewport?: { width: number; height: number };
  colorScheme?: 'light' | 'dark';
  /** IANA. Defaults to UTC. */
  timeZone?: string;
  /** Errors of the console that belong to what is looked at. */
  expected?: RegExp;
}

/** A made-up origin, which gives pages storage; nothing listens there. */
const ORIGIN = 'http://portal.test/';

/** Material UI 4 on React 18 says so of almost every component. */
const KNOWN = /^Warning: findDOMNode is deprecated/;

/** Bundling takes longer than most tests do. */
const bundles = new Map<string, Promise<string>>();

/** A Chromium that ends with the test. */
export class Browser {
  private constructor(private readonly chromium: Chromium) {}

  /** @param args - of Chromium's command line, beside those it needs here */
  static async launch(t: TestContext, args: string[] = []): Promise<Browser> {
    const launched = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-background-networking', ...args],
    });
    t.after(() => launched.close());
    return new Browser(launched);
  }

  /**
   * A page in a profile of its own. It closes with the test, and the test fails if the page had an
   * uncaught error or wrote one to its console.
   */
  async page(
    t: Pick<TestContext, 'after'>,
    { entry, alias = {}, html = '<div id="root"></div>', ...look }: PageOptions,
  ): Promise<Page> {
    const script = entry ? await bundle(entry, alias) : '';
    const context = await this.chromium.newContext({
      viewport: look.viewport ?? { width: 1000, height: 800 },
      colorScheme: look.colorScheme ?? 'light',
      timezoneId: look.timeZone ?? 'UTC',
      locale: 'en-GB',
    });
    const page = await context.newPage();
    const errors = collectErrors(page, look.expected);
    t.after(async () => {
      await context.close();
      assert.deepEqual(errors, [], 'the page has errors');
    });
    await page.route(ORIGIN, route =>
      route.fulfill({ contentType: 'text/html', body: document(html) }),
    );
    await page.route(`${ORIGIN}bundle.js`, route =>
      route.fulfill({ contentType: 'text/javascript', body: script }),
    );
    await page.goto(ORIGIN);
    return page;
  }
}

function collectErrors(page: Page, expected = /$^/): string[] {
  const errors: string[] = [];
  page.on('pageerror', error => errors.push(error.stack ?? error.message));
  page.on('console', (message: ConsoleMessage) => {
    const text = message.text();
    if (
      message.type() === 'error' &&
      !KNOWN.test(text) &&
      !expected.test(text)
    ) {
      errors.push(text);
    }
  });
  return errors;
}

function document(body: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Test</title>
    <link rel="icon" href="data:,">
  </head>
  <body>${body}<script type="module" src="/bundle.js"></script></body>
</html>`;
}

function bundle(entry: string, alias: Record<string, string>): Promise<string> {
  const key = JSON.stringify([entry, alias]);
  const known = bundles.get(key) ?? bundleAnew(entry, alias);
  bundles.set(key, known);
  return known;
}

async function bundleAnew(
  entry: string,
  alias: Record<string, string>,
): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.resolve(entry)],
    alias: Object.fromEntries(
      Object.entries(alias).map(([name, file]) => [name, path.resolve(file)]),
    ),
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    // React's development build warns of what is wrong, and warnings are errors on the console.
    define: { 'process.env.NODE_ENV': '"development"' },
    sourcemap: 'inline',
    logLevel: 'silent',
  });
  return outputFiles[0].text;
}
