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
    return { plugin: pluginOf(originalUrl) };
  }
  let found = known.get(route);
  if (!found) {
    found = resolve({ app, originalUrl }, route);
    known.set(route, found);
  }
  return found;
}

function resolve(request: ExpressRequest, route: ExpressRoute): RequestRoute {
  const plugin = pluginOf(request.originalUrl!);
  const template = routeTemplate(request, route);
  const mount = plugin && `${API}${plugin}`;
  if (template && (!mount || isBelow(template, mount))) {
    return { route: template, plugin: plugin ?? pluginOf(template) };
  }
  // An application of its own within a plugin knows its own paths only.
  return { route: joined(`${mount ?? ''}/*`, route), plugin };
}

function isBelow(path: string, mount: string): boolean {
  return path === mount || path.startsWith(`${mount}/`);
}

function pluginOf(url: string): string | undefined {
  if (!url.startsWith(API)) {
    return undefined;
  }
  const query = url.indexOf('?', API.length);
  const path = query === -1 ? url : url.slice(0, query);
  const slash = path.indexOf('/', API.length);
  const id = path.slice(API.length, slash === -1 ? undefined : slash);
  return plugins.has(id) ? id : undefined;
}
