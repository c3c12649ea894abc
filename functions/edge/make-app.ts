import { Hono } from 'hono';
import type { Endpoint } from './endpoint.ts';
import type { Mounted } from './handle-request.ts';
import { makeHandleRequest } from './handle-request.ts';
import { endpoints } from './routes/endpoints.ts';
import type { Services } from './services.ts';
import { defaultLimits } from './services.ts';

/**
 * The whole HTTP application; a host only mounts its `fetch`.
 *
 * Routes are data (`endpoint.ts`) and share one pipeline (`handle-request.ts`), so Hono is used for what it is best at,
 * matching paths, and not for validation: zod-openapi's own middleware would read the body before the caps, and swallow
 * what the strict parser has to say.
 *
 * @example serve({ fetch: makeApp(services).fetch, port: 3001 })
 */
export function makeApp(services: Services): Hono {
  const handle = makeHandleRequest(services, { ...defaultLimits, ...services.limits });
  const app = new Hono();
  for (const [path, mounted] of byPath(endpoints)) app.all(honoPath(path), (context) => handle(context, mounted));
  app.notFound((context) => handle(context, isGuarded(context.req.path) ? 'guarded' : 'nowhere'));
  return app;
}

/** Below these an unknown path is told only to a caller who is known, so that nobody can map what is there. */
function isGuarded(path: string): boolean {
  return path === '/v1' || path.startsWith('/v1/') || path === '/api' || path.startsWith('/api/');
}

function byPath(all: readonly Endpoint[]): ReadonlyMap<string, Mounted> {
  const paths = new Map<string, Map<string, Endpoint>>();
  for (const endpoint of all) {
    const mounted = paths.get(endpoint.path) ?? new Map<string, Endpoint>();
    if (mounted.has(endpoint.method)) throw new Error(`${endpoint.method} ${endpoint.path} stands twice`);
    paths.set(endpoint.path, mounted.set(endpoint.method, endpoint));
  }
  return paths;
}

/** `{id+}` takes the rest of the path, slashes and all: model ids have some. */
export function honoPath(path: string): string {
  return path.replaceAll(/\{([a-z_]+)\+\}/g, ':$1{.+}').replaceAll(/\{([a-z_]+)\}/g, ':$1');
}
