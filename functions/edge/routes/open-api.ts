import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { openApiDocument } from '../openapi.ts';
import { jsonObject } from '../schema-parts.ts';

/** The document is written once, when it is first asked for: it costs some 20 ms that no start should pay. */
export function openApiEndpoint(described: readonly Endpoint[]): Endpoint {
  let text: string | undefined;
  const self: Endpoint = endpoint({
    method: 'GET',
    path: '/openapi.json',
    summary: 'This API, as OpenAPI 3.1',
    access: 'open',
    answers: { 200: { description: 'the document', schema: jsonObject } },
    handle: ({ services }) => {
      text ??= JSON.stringify(openApiDocument([...described, self], services.version));
      return Promise.resolve({ kind: 'text', status: 200, type: 'application/json', body: text, headers: {} });
    },
  });
  return self;
}
