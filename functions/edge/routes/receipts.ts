import { z } from '@hono/zod-openapi';
import { SignetError } from '../../domain/errors.ts';
import type { Json } from '../../domain/json.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { digestHex, jsonObject } from '../schema-parts.ts';

const receipt = z.object({ entry: z.string(), delegation: z.string(), document: jsonObject }).openapi('Receipt');

export const receiptEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/receipts/{id}',
    summary: 'A receipt with all that an offline verifier needs',
    access: 'ledger:read',
    params: z.object({ id: digestHex }),
    answers: { 200: { description: 'canonical JSON, as it was signed', schema: receipt } },
    handle: async ({ services, call, params }) => {
      const found = await services.receipts.get(params.id, call.principal.tenant);
      if (found === undefined)
        throw new SignetError({ code: 'receipt_not_found', detail: 'no receipt with this id', param: 'id' });
      const { entry, delegation, document } = found;
      const body = canonicalText({ entry, delegation, document });
      return { kind: 'text', status: 200, type: 'application/json', body, headers: {} };
    },
  }),
];

/**
 * Members in the order of their UTF-16 code units, no white space: RFC 8785 for what a receipt holds, since ECMAScript's
 * own writing of strings and numbers is that standard's. A saved answer is then the same bytes wherever it is fetched.
 */
function canonicalText(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const object = value as { readonly [name: string]: Json };
  const members = Object.keys(object)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${canonicalText(object[name] ?? null)}`);
  return `{${members.join(',')}}`;
}
