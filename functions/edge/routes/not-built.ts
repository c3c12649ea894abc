import { SignetError } from '../../domain/errors.ts';
import type { Scope } from '../../domain/scopes.ts';
import type { Endpoint, Method } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';

/**
 * What the surface names and this build does not have: 501 with a reason, to callers who hold the scope that the route
 * will want. A client can so tell *not yet* from *never*, and a route is taken off this list when it is built.
 */
export const notBuiltEndpoints: readonly Endpoint[] = [
  ...later('the gateway', 'chat', 'POST /v1/responses', 'POST /api/v1/route'),
  ...later('the gateway', 'models:read', 'GET /api/v1/providers'),
  ...later('MCP', 'tools:call', 'POST /mcp'),
  ...later('web access', 'web', 'POST /api/v1/web/search', 'POST /api/v1/web/fetch'),
  ...later(
    'approvals',
    'approvals:decide',
    'GET /api/v1/approvals',
    'GET /api/v1/approvals/{id}',
    'POST /api/v1/approvals/{id}/decide',
  ),
  ...later('budgets', 'budgets:admin', 'GET /api/v1/budgets', 'POST /api/v1/budgets', 'GET /api/v1/usage'),
  ...later(
    'conversations',
    'chat',
    'GET /api/v1/conversations',
    'POST /api/v1/conversations',
    'GET /api/v1/conversations/{id}',
    'DELETE /api/v1/conversations/{id}',
    'POST /api/v1/conversations/{id}/messages',
    'GET /api/v1/conversations/{id}/events',
  ),
  ...later('memories', 'chat', 'GET /api/v1/memories', 'POST /api/v1/memories', 'POST /api/v1/memories/search'),
  ...later('replay', 'runs:write', 'POST /api/v1/runs/{id}/replay'),
  ...later('federation', 'fed:write', 'POST /api/v1/federation/propose'),
  ...later(
    'the bus',
    'bus:read',
    'GET /api/v1/channels',
    'GET /api/v1/channels/{name}',
    'GET /api/v1/subscriptions',
    'GET /api/v1/subscriptions/{id}',
    'GET /api/v1/dead-letters',
  ),
  ...later('the bus', 'bus:publish', 'POST /api/v1/channels/{name}/publish'),
  ...later(
    'the bus',
    'bus:admin',
    'PUT /api/v1/channels/{name}',
    'DELETE /api/v1/channels/{name}',
    'POST /api/v1/subscriptions',
    'DELETE /api/v1/subscriptions/{id}',
    'GET /api/v1/bridges',
    'POST /api/v1/bridges',
  ),
  ...later('import and export of collections', 'vectors:read', 'POST /api/v1/vectors/collections/{collection}/export'),
  ...later('import and export of collections', 'vectors:write', 'POST /api/v1/vectors/collections/{collection}/import'),
];

function later(what: string, scope: Scope, ...routes: readonly `${Method} /${string}`[]): readonly Endpoint[] {
  return routes.map((route) => {
    const [method, path] = route.split(' ') as [Method, string];
    return endpoint({
      method,
      path,
      summary: `Not built yet: ${what}`,
      access: scope,
      answers: { 501: { description: 'not built' } },
      handle: () =>
        Promise.reject(new SignetError({ code: 'not_built', reason: 'feature.off', detail: `not built yet: ${what}` })),
    });
  });
}
