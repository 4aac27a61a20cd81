import type { IncomingMessage } from 'node:http';
import {
  type ExpressRequest,
  type ExpressRoute,
  joined,
  routeTemplate,
} from './routeTemplate';

/** Where Backstage mounts the routers of its plugins. */
const API = '/api/';

/** Which route a request took, in values that the program has and no client can add to. */
export interface RequestRoute {
  route?: string;
  plugin?: string;
}

const plugins = new Set<string>();
const known = new WeakMap<ExpressRoute, RequestRoute>();

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
  if (!route) {
    return { plugin: pluginOf(pathOf(originalUrl)) };
  }
  let found = known.get(route);
  if (!found) {
    found = resolve({ app, originalUrl }, route);
    known.set(route, found);
  }
  return found;
}

function resolve(request: ExpressRequest, route: ExpressRoute): RequestRoute {
  const path = pathOf(request.originalUrl!);
  const plugin = pluginOf(path);
  const mount = plugin === undefined ? '' : API + plugin;
  const template = routeTemplate(request, route);
  if (template && (!mount || isBelow(template, mount))) {
    return { route: template, plugin: plugin ?? pluginOf(template) };
  }
  // An application of its own within a plugin, or a router that is called by hand, knows its own
  // paths only. Where those are the whole path there is nothing between.
  const own = template ?? joined('', route);
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
