import { z } from '@hono/zod-openapi';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { SignatureItem } from '../../domain/identities/identities.ts';
import { jsonAnswer, judgedAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { base64Bytes, hasControl, hexBytes, jsonObject, keyId } from '../schema-parts.ts';

const textType = 'application/vnd.signet.text.v1';

const managed = z
  .object({
    node_id: z.string(),
    public_key: z.string(),
    key_id: z.string(),
    custody: z.enum(['file', 'memory', 'kms']),
    expires_at: z.number().int(),
    purpose: z.enum(['agent', 'service']),
    label: z.string().optional(),
    delegation: z.string(),
  })
  .openapi('ManagedIdentity');

const signed = z
  .object({
    signature: z.string(),
    public_key: z.string(),
    payload_type: z.string(),
    key_id: z.string(),
    id: z.string(),
    envelope: jsonObject,
  })
  .openapi('SignedPayload');

/** A message is text; a payload is bytes under a type. Exactly one of the two. */
const content = {
  message: z.string().optional(),
  payload: base64Bytes.optional(),
  payload_type: z.string().min(1).max(256).optional(),
};

const either = 'expected either `message`, or `payload` with `payload_type`';

const item = z
  .strictObject({ ...content, signature: hexBytes(64), public_key: hexBytes(32) })
  .refine(isEither, either)
  .openapi('SignatureItem');

export const identityEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/identity/generate',
    summary: 'Makes a signing identity that the node keeps; its private key never leaves it',
    access: 'identity:write',
    decides: { action: 'manageIdentity', resource: 'Identity' },
    idempotent: 'stored',
    body: {
      class: 'other',
      optional: true,
      schema: z.strictObject({
        label: z
          .string()
          .min(1)
          .max(limits.identities.label_chars_max)
          .refine((text) => !hasControl(text), 'expected no control characters')
          .optional(),
        purpose: z.enum(['agent', 'service']).default('agent'),
      }),
    },
    answers: { 201: { description: 'the identity', schema: managed } },
    handle: async ({ services, call, body }) => {
      const judged = await services.identities.generate(call, body);
      const { node_id, public_key, key_id, custody, expires_at, purpose, label, delegation } = judged.value;
      const named = label === undefined ? {} : { label };
      const shown = { node_id, public_key, key_id, custody, expires_at, purpose, ...named, delegation };
      return judgedAnswer(judged, shown, 201);
    },
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/identity/sign',
    summary: 'Signs text, or bytes of a type of your own, as a DSSE envelope; never raw bytes',
    access: 'identity:sign',
    decides: { action: 'sign', resource: 'Identity' },
    idempotent: 'stored',
    body: { class: 'other', schema: z.strictObject({ ...content, key_id: keyId.optional() }).refine(isEither, either) },
    answers: { 200: { description: 'signature and envelope', schema: signed } },
    handle: async ({ services, call, body }) => {
      const { key_id, ...given } = body;
      const judged = await services.identities.sign(call, {
        ...bytesOf(given),
        ...(key_id === undefined ? {} : { key_id }),
      });
      return judgedAnswer(judged, judged.value);
    },
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/identity/verify',
    summary: 'Whether signatures hold, by the strict rule; says nothing of whose keys they are',
    access: 'ledger:read',
    body: {
      class: 'verify_batch',
      schema: z.union([z.strictObject({ items: z.array(item).min(1).max(limits.identities.verify_items_max) }), item]),
    },
    answers: {
      200: {
        description: 'one verdict, or one for each item in order',
        schema: z.union([
          z.object({ valid: z.boolean(), code: z.string().optional() }),
          z.object({
            results: z.array(z.object({ valid: z.boolean(), code: z.string().optional() })),
            all_valid: z.boolean(),
          }),
        ]),
      },
    },
    handle: async ({ services, body }) => {
      const items = 'items' in body ? body.items : [body];
      const codes = await services.identities.verify(items.map(signatureItem));
      const results = codes.map((code) => ({ valid: code === 'ok', ...(code === 'ok' ? {} : { code }) }));
      if (!('items' in body)) return jsonAnswer(results[0]);
      return jsonAnswer({ results, all_valid: results.every(({ valid }) => valid) });
    },
  }),
];

interface Given {
  readonly message?: string | undefined;
  readonly payload?: string | undefined;
  readonly payload_type?: string | undefined;
}

function isEither({ message, payload, payload_type }: Given): boolean {
  return message === undefined
    ? payload !== undefined && payload_type !== undefined
    : payload === undefined && payload_type === undefined;
}

function bytesOf({ message, payload = '', payload_type = textType }: Given): {
  payload: Uint8Array;
  payload_type: string;
} {
  const bytes = message === undefined ? Buffer.from(payload, 'base64') : Buffer.from(message);
  return { payload: new Uint8Array(bytes), payload_type };
}

function signatureItem(given: Given & { readonly signature: string; readonly public_key: string }): SignatureItem {
  return {
    ...bytesOf(given),
    signature: new Uint8Array(Buffer.from(given.signature, 'hex')),
    public_key: new Uint8Array(Buffer.from(given.public_key, 'hex')),
  };
}
