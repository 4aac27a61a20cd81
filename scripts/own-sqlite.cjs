// Preloaded into the Nodes of .cache/tools, where the better-sqlite3 of node_modules, built for the Node
// that ran `npm ci`, does not load; each has its own beside it. Child processes inherit the preload, and
// npm's may be another Node.
const { existsSync } = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const own = path.resolve(process.execPath, '../../../better-sqlite3');

if (existsSync(own)) {
  const sqlite = require.resolve(own);
  const replace = specifier =>
    specifier === 'better-sqlite3' ? sqlite : specifier;
  if (Module.registerHooks) {
    Module.registerHooks({
      resolve: (specifier, context, next) => next(replace(specifier), context),
    });
  } else {
    // Node 22 before 22.15 has nothing public for `require`.
    const { _resolveFilename: resolve } = Module;
    Module._resolveFilename = function resolveOwn(specifier, ...rest) {
      return Reflect.apply(resolve, this, [replace(specifier), ...rest]);
    };
  }
}
