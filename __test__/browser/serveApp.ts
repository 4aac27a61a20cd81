import { once } from 'node:events';
import { createServer } from 'node:http';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { JsonObject } from '@backstage/types';
import { build, type OutputFile } from 'esbuild';
import nodeLibraries from 'node-stdlib-browser';

const TYPES: Record<string, string> = {
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
};

/**
 * Bundles a Backstage app in memory and serves it with a configuration of its own, until the test
 * ends.
 *
 * @param entry the app's first module
 */
export async function serveApp(
  t: TestContext,
  entry: string,
  port: number,
  config: JsonObject,
): Promise<void> {
  const files = await bundle(entry);
  const page = indexPage(config);
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://app');
    const file = files.get(pathname);
    response.setHeader(
      'content-type',
      file ? TYPES[path.extname(pathname)] : 'text/html',
    );
    response.end(file?.contents ?? page);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
}

async function bundle(entry: string): Promise<Map<string, OutputFile>> {
  const { buffer, process, stream } = nodeLibraries;
  const { outputFiles } = await build({
    entryPoints: { main: entry },
    outdir: '/',
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    write: false,
    logLevel: 'error',
    // As Backstage's own bundler does: some packages import what only Node has.
    alias: { buffer, process, stream },
    inject: [require.resolve('node-stdlib-browser/helpers/esbuild/shim')],
    assetNames: '[name]-[hash]',
    loader: {
      '.eot': 'dataurl',
      '.gif': 'dataurl',
      '.jpg': 'dataurl',
      '.png': 'dataurl',
      '.svg': 'dataurl',
      '.ttf': 'dataurl',
      '.woff': 'dataurl',
      '.woff2': 'dataurl',
    },
    define: {
      global: 'globalThis',
      'process.env.NODE_ENV': '"development"',
    },
  });
  return new Map(outputFiles.map(file => [file.path, file]));
}

function indexPage(config: JsonObject): string {
  const configs = [{ context: 'test', data: config }];
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <base href="/" />
    <title>Test</title>
    <link rel="stylesheet" href="/main.css" />
    <script type="backstage.io/config">${JSON.stringify(configs).replaceAll('<', '\\u003c')}</script>
  </head>
  <body>
    <div id="root"></div>
    <script type="module" src="/main.js"></script>
  </body>
</html>`;
}
