import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { openApiDocument } from '../openapi.ts';
import { jsonObject } from '../schema-parts.ts';

/** The document is written once, when it is first asked for: it costs some 20 ms that no start should pay. */
export function openApiEndpoint(described: readonly Endpoint[]): Endpoint {
  let written: { readonly url: string | undefined; readonly text: string } | undefined;
  const self: Endpoint = endpoint({
    method: 'GET',
    path: '/openapi.json',
    summary: 'This API, as OpenAPI 3.1',
    access: 'open',
    answers: { 200: { description: 'the document', schema: jsonObject } },
    handle: ({ services }) => {
      const { version, entrance } = services;
      const url = entrance?.url;
      if (written === undefined || written.url !== url) {
        written = { url, text: JSON.stringify(openApiDocument([...described, self], { version, url })) };
      }
      return Promise.resolve({ kind: 'text', status: 200, type: 'application/json', body: written.text, headers: {} });
    },
  });
  return self;
}
