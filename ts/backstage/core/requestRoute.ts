import type { IncomingMessage } from 'node:http';
import {
  type ExpressApp,
  type ExpressRequest,
  type ExpressRoute,
  joined,
  routeTemplates,
} from './routeTemplate';

/** Where Backstage mounts the routers of its plugins. */
const API = '/api/';

/** Which route a request took, in values that the program has and no client can add to. */
export interface RequestRoute {
  route?: string;
  plugin?: string;
}

const plugins = new Set<string>();

/** Where a route stands in an application, and how many requests asked. */
interface KnownRoute {
  templates: string[];
  requests: number;
}

/**
 * Which plugin a request is for is looked at each time, as plugins come, and a router may serve
 * several.
 */
const known = new WeakMap<ExpressRoute, WeakMap<object, KnownRoute>>();

/** Says which plugins there are: nothing else in a URL counts as one. */
export function addPlugins(ids: Iterable<string>): void {
  for (const id of ids) {
    plugins.add(id);
  }
}

/** The route and the plugin of a request that was answered. */
export function requestRoute(request: IncomingMessage): RequestRoute {
  const { app, route, originalUrl } = request as ExpressRequest;
  if (!originalUrl) {
    return {};
  }
  const path = pathOf(originalUrl);
  const plugin = pluginOf(path);
  if (!route) {
    return { plugin };
  }
  return resolve(templatesOf(app, route), route, path, plugin);
}

/** Looked for at the first request, the second, the fourth …: a router may be mounted once more. */
function templatesOf(app: ExpressApp | undefined, route: ExpressRoute) {
  const apps = known.get(route) ?? new WeakMap<object, KnownRoute>();
  known.set(route, apps);
  const found = apps.get(app ?? route) ?? { templates: [], requests: 0 };
  apps.set(app ?? route, found);
  found.requests++;
  if (Number.isInteger(Math.log2(found.requests))) {
    found.templates = routeTemplates(app, route);
  }
  return found.templates;
}

function resolve(
  templates: string[],
  route: ExpressRoute,
  path: string,
  plugin: string | undefined,
): RequestRoute {
  const mount = plugin === undefined ? '' : API + plugin;
  const below = mount
    ? templates.filter(template => isBelow(template, mount))
    : templates;
  const template =
    below.length > 1
      ? (below.find(one => fits(one, path)) ?? below[0])
      : below[0];
  if (template !== undefined) {
    return { route: template, plugin: plugin ?? pluginOf(template) };
  }
  // An application of its own within a plugin, or a router that is called by hand, knows its own
  // paths only. Where those are the whole path there is nothing between.
  const own = templates[0] ?? joined('', route);
  const between = mount && fits(own, path.slice(mount.length)) ? '' : '/*';
  return { route: mount + between + (own === '/' ? '' : own), plugin };
}

function isBelow(path: string, mount: string): boolean {
  return path === mount || path.startsWith(`${mount}/`);
}

/** Whether a path is this template segment by segment; not for templates with more than `:name`. */
function fits(template: string, path: string): boolean {
  const values = segmentsOf(path);
  const keys = segmentsOf(template);
  return (
    keys.length === values.length &&
    // Routers do not mind the case either.
    keys.every(
      (key, i) =>
        /^:\w+$/.test(key) || key.toLowerCase() === values[i].toLowerCase(),
    )
  );
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter(segment => segment !== '');
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

function pluginOf(path: string): string | undefined {
  if (!path.startsWith(API)) {
    return undefined;
  }
  const slash = path.indexOf('/', API.length);
  const id = path.slice(API.length, slash === -1 ? undefined : slash);
  return plugins.has(id) ? id : undefined;
}
