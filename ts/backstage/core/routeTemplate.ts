/** What is used of an Express request. */
export interface ExpressRequest {
  app?: ExpressApp;
  /** The route that matched last. */
  route?: ExpressRoute;
  /** The raw URL; set by Express alone, which changes `url` as it descends. */
  originalUrl?: string;
}

interface ExpressApp {
  parent?: ExpressApp;
  path?: () => string;
  /** Not in Express 5. */
  _router?: { stack: Layer[] };
}

export interface ExpressRoute {
  path: string | RegExp | (string | RegExp)[];
}

/** What `use` and `get` put on the stack of a router of Express 4. */
export interface Layer {
  route?: ExpressRoute;
  handle?: { stack?: Layer[] };
  regexp?: RegExp & { fast_slash?: boolean };
  keys?: { name: string | number }[];
}

/** Where something was mounted, and nobody can tell. */
const UNKNOWN_MOUNT = '/*';

/**
 * The template of a route: the paths of the routers above it, as they were given to `use`, and its
 * own. `request.baseUrl` would be the raw path. `undefined` where the route is not found: behind a
 * handler that calls the router itself, and in Express 5.
 */
export function routeTemplate(
  { app }: ExpressRequest,
  route: ExpressRoute,
): string | undefined {
  const mount = app?.parent ? app.path?.() : '';
  const prefix = find(app?._router?.stack ?? [], route, mount ?? '', new Set());
  return prefix === undefined ? undefined : joined(prefix, route);
}

/** The template of a route that is somewhere below a prefix. */
export function joined(prefix: string, { path }: ExpressRoute): string {
  const own = Array.isArray(path) ? path.map(String).join('|') : String(path);
  if (own === '/' || own === '') {
    return prefix || '/';
  }
  return prefix + (own.startsWith('/') ? own : `/${own}`);
}

/** The mounts above a route. */
function find(
  stack: Layer[],
  route: ExpressRoute,
  prefix: string,
  visited: Set<Layer[]>,
): string | undefined {
  visited.add(stack);
  for (const layer of stack) {
    if (layer.route === route) {
      return prefix;
    }
    const inner = layer.handle?.stack;
    if (!layer.route && inner && !visited.has(inner)) {
      const found = find(inner, route, prefix + mountTemplate(layer), visited);
      if (found !== undefined) {
        return found;
      }
    }
  }
  return undefined;
}

/** What path-to-regexp 0.1, Express 4's, makes of a path that others may follow. */
const MOUNT = /^\^(.*)\\\/\?\(\?=\\\/\|\$\)$/;
/** What it makes of `/:name`, `.:name` with or without a pattern, and of `*`. */
const PARAMETER =
  /\(\?:(\\[/.]|)(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))\)\??|\(\.\*\)/g;

/** The path that a router was mounted at, with parameters as `:name`. */
export function mountTemplate({ regexp, keys = [] }: Layer): string {
  if (regexp?.fast_slash) {
    return '';
  }
  const source = MOUNT.exec(regexp?.source ?? '')?.[1];
  if (source === undefined) {
    return UNKNOWN_MOUNT;
  }
  let next = 0;
  const path = source
    .replace(PARAMETER, (_, separator?: string, pattern?: string) => {
      const { name } = keys[next++];
      return pattern ? `${separator}:${name}` : '*';
    })
    .replace(/\\([/.-])/g, '$1');
  if (/[()[\]{}^$|?+\\]/.test(path)) {
    return UNKNOWN_MOUNT;
  }
  return path.startsWith('/') ? path : `/${path}`;
}
