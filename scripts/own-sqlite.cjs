// Preloaded into the Nodes of .cache/tools, where the better-sqlite3 of node_modules, built for the Node
// that ran `npm ci`, does not load; each has its own beside it. Child processes inherit the preload, and
// npm's may be another Node.
const { existsSync } = require('node:fs');
const { registerHooks } = require('node:module');
const path = require('node:path');

const own = path.resolve(process.execPath, '../../../better-sqlite3');

if (existsSync(own)) {
  const sqlite = require.resolve(own);
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier === 'better-sqlite3' ? sqlite : specifier, context),
  });
}
