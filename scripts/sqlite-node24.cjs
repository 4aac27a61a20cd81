// Preloaded into Node 24, where the better-sqlite3 of node_modules, built for the Node that ran
// `npm ci`, does not load. Child processes inherit the preload, and npm's may be another Node.
const { registerHooks } = require('node:module');

if (process.versions.node.startsWith('24.')) {
  const sqlite = require.resolve(
    '../.cache/tools/node-24/node_modules/better-sqlite3',
  );
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier === 'better-sqlite3' ? sqlite : specifier, context),
  });
}
