import type { Endpoint } from '../endpoint.ts';
import { endpoints } from '../routes/endpoints.ts';
import { receipt } from './recorded-services.ts';

/** A well-formed request for each route that takes one: what the tests start from and then spoil. */
export const bodies: { readonly [route: string]: object } = {
  'POST /v1/chat/completions': { model: 'auto', messages: [{ role: 'user', content: 'hello' }] },
  'POST /api/v1/inference/generate': { prompt: 'hello' },
  'POST /api/v1/inference/tier': { prompt: 'hello' },
  'POST /v1/embeddings': { model: 'tiny', input: ['one', 'two'] },
  'POST /api/v1/embeddings': { inputs: ['one'] },
  'PUT /api/v1/tools/{name}': {
    description: 'adds',
    parameters: { type: 'object' },
    side_effects: 'compute',
    target: { kind: 'builtin', name: 'soma' },
  },
  'POST /api/v1/tools/{name}/invoke': { arguments: { a: 1 } },
  'PUT /api/v1/scripts/{name}': { source: 'print(42)' },
  'POST /api/v1/runs': { script: 'print(42)' },
  'POST /api/v1/runs/{id}/calls': { seq: 1, method: 'llm.chat', args: {} },
  'POST /internal/runs/{id}/frames': { kind: 'watch' },
  'POST /api/v1/vectors/collections': { name: 'notes', dimension: 3 },
  'POST /api/v1/vectors/collections/{collection}/put': { vectors: [{ id: 'a', values: [1, 2, 3] }] },
  'POST /api/v1/vectors/collections/{collection}/query': { values: [1, 2, 3] },
  'POST /api/v1/vectors/collections/{collection}/get': { ids: ['a'] },
  'POST /api/v1/vectors/collections/{collection}/delete': { ids: ['a'] },
  'POST /api/v1/vectors/collections/{collection}/patch': { patches: [{ id: 'a', metadata: { year: 2026 } }] },
  'POST /api/v1/vectors/collections/{collection}/count': { filter: { year: 2026 } },
  'POST /api/v1/vectors/collections/{collection}/compact': {},
  'POST /api/v1/vectors/ops/{name}': { a: [1, 2], b: [3, 4] },
  'POST /api/v1/api-keys': { label: 'ci', scopes: ['chat'] },
  'POST /api/v1/identity/generate': { label: 'agent 7' },
  'POST /api/v1/identity/sign': { message: 'hello' },
  'POST /api/v1/identity/verify': { message: 'hello', signature: 'ab'.repeat(64), public_key: 'ab'.repeat(32) },
  'POST /api/v1/pci/envelope/create': { payload: { hello: 'world' } },
  'POST /api/v1/pci/envelope/verify': { envelope: {} },
  'POST /api/v1/pci/gates/check': { content: 'hello' },
  'POST /api/v1/constitution/check': { subject: { verdict_id: receipt } },
};

const parts: { readonly [name: string]: string } = {
  '{id+}': 'edge/signet-edge-1',
  '{path+}': 'checkpoint',
  '{name}': 'soma',
  '{collection}': 'notes',
  '{id}': 'run-1',
};

/** Where the parts alone would not do. */
const paths: { readonly [route: string]: string } = {
  'GET /api/v1/receipts/{id}': `/api/v1/receipts/${receipt}`,
  'GET /api/v1/events': '/api/v1/events?topics=run.completed',
  'POST /api/v1/vectors/ops/{name}': '/api/v1/vectors/ops/dot_product',
};

export interface ExampleRequest {
  readonly route: string;
  readonly endpoint: Endpoint;
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
}

export const examples: readonly ExampleRequest[] = endpoints.map((endpoint) => {
  const route = `${endpoint.method} ${endpoint.path}`;
  const path = paths[route] ?? endpoint.path.replaceAll(/\{[a-z_]+\+?\}/g, (part) => parts[part] ?? part);
  const body = endpoint.body === undefined ? undefined : JSON.stringify(bodies[route] ?? {});
  return { route, endpoint, method: endpoint.method, path, body };
});
