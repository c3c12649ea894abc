import { z } from '@hono/zod-openapi';
import { SignetError } from '../../domain/errors.ts';
import { emptyAnswer, type Answer } from '../answer.ts';
import type { Json } from '../../domain/json.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { names } from '../accepts.ts';
import { digestHex, jsonObject } from '../schema-parts.ts';

const receipt = z.object({ entry: z.string(), delegation: z.string(), document: jsonObject }).openapi('Receipt');

export const receiptEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/receipts/{id}',
    summary: 'A receipt with all that an offline verifier needs',
    access: 'ledger:read',
    params: z.object({ id: digestHex }),
    answers: {
      200: { description: 'a tlog-proof text; canonical JSON for who accepts `application/json`', schema: receipt },
      202: { description: 'not in the log yet: canonical JSON, nothing for who accepts `text/plain`', schema: receipt },
    },
    handle: async ({ services, call, params, header }) => {
      const wantsJson = names(header('accept'), 'application/json');
      const proof = wantsJson ? undefined : await services.receipts.proof(params.id, call.principal.tenant);
      if (proof?.kind === 'sealed') return textAnswer(proof.text);
      if (proof?.kind === 'pending' && names(header('accept'), 'text/plain')) return emptyAnswer(soon, 202);
      const found = await services.receipts.get(params.id, call.principal.tenant);
      if (found === undefined)
        throw new SignetError({ code: 'receipt_not_found', detail: 'no receipt with this id', param: 'id' });
      const { entry, delegation, document } = found;
      const body = canonicalText({ entry, delegation, document });
      const isWaiting = proof?.kind === 'pending';
      const headers = { ...varies, ...(isWaiting ? soon : {}) };
      return { kind: 'text', status: isWaiting ? 202 : 200, type: 'application/json', body, headers };
    },
  }),
];

const varies = { vary: 'accept' };
/** Sealing runs a moment behind. */
const soon = { ...varies, 'retry-after': '1' };

function textAnswer(body: string): Answer {
  return { kind: 'text', status: 200, type: 'text/plain; charset=utf-8', body, headers: varies };
}

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
