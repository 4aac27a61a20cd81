// Preloaded into Node 24: the better-sqlite3 of node_modules is built for another Node.
const { registerHooks } = require('node:module');

const sqlite =
  require.resolve('../.cache/tools/node-24/node_modules/better-sqlite3');

registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier === 'better-sqlite3' ? sqlite : specifier, context),
});
