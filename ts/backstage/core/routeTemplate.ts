/** What is used of an Express request. */
export interface ExpressRequest {
  app?: ExpressApp;
  /** The route that matched last. */
  route?: ExpressRoute;
  /** The raw URL; set by Express alone, which changes `url` as it descends. */
  originalUrl?: string;
}

export interface ExpressApp {
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

/** A route that stands in more places than this is one of a program that makes them up. */
const MAX_TEMPLATES = 20;

/** What is looked at of a program at most; Backstage has some hundred layers. */
const MAX_LAYERS = 20_000;

/**
 * The templates of a route: the paths of the routers above it, as they were given to `use`, and its
 * own; one for each place where it is mounted. `request.baseUrl` would be the raw path. None where
 * the route is not found: behind a handler that calls the router itself, and in Express 5.
 */
export function routeTemplates(
  app: ExpressApp | undefined,
  route: ExpressRoute,
): string[] {
  const mount = app?.parent ? app.path?.() : '';
  const search = new RouteSearch(route);
  search.find(app?._router?.stack ?? [], mount ?? '');
  return [...search.prefixes].map(prefix => joined(prefix, route));
}

/** The template of a route that is somewhere below a prefix. */
export function joined(prefix: string, { path }: ExpressRoute): string {
  const own = Array.isArray(path) ? path.map(String).join('|') : String(path);
  if (own === '/' || own === '') {
    return prefix || '/';
  }
  return prefix + (own.startsWith('/') ? own : `/${own}`);
}

/** Looks for the mounts above a route. */
class RouteSearch {
  readonly prefixes = new Set<string>();
  private readonly above = new Set<Layer[]>();
  private layers = 0;

  constructor(private readonly route: ExpressRoute) {}

  find(stack: Layer[], prefix: string): void {
    this.above.add(stack);
    for (const layer of stack) {
      if (this.prefixes.size === MAX_TEMPLATES || this.layers === MAX_LAYERS) {
        break;
      }
      this.layers++;
      if (layer.route === this.route) {
        this.prefixes.add(prefix);
        continue;
      }
      const inner = layer.route ? undefined : stackOf(layer);
      if (inner && !this.above.has(inner)) {
        this.find(inner, prefix + mountTemplate(layer));
      }
    }
    this.above.delete(stack);
  }
}

/** What a layer leads to, if it is a router. A handler may be anything that can be called. */
function stackOf({ handle }: Layer): Layer[] | undefined {
  try {
    const stack = handle?.stack;
    return Array.isArray(stack) ? stack : undefined;
  } catch {
    // Its getter throws, and so it is no router.
    return undefined;
  }
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
