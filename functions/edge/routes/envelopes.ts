import { z } from '@hono/zod-openapi';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { errorRecord } from '../../domain/errors.ts';
import type { Consumed } from '../../domain/messages/messages.ts';
import type { Answer } from '../answer.ts';
import { jsonAnswer, judgedAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { anyJson, digestHex, jsonObject, keyId } from '../schema-parts.ts';

const made = z
  .object({
    id: digestHex,
    public_key: z.string(),
    signature: z.string(),
    ttl: z.number().int(),
    timestamp: z.number().int(),
    content_hash: digestHex,
    digests: z.object({ sha256: digestHex, blake3: digestHex }),
    envelope: jsonObject,
    content_ref: digestHex.optional(),
  })
  .openapi('MadeEnvelope');

const verdict = z
  .object({
    valid: z.boolean(),
    error: z.string().optional(),
    code: z.string().optional(),
    checks: z.array(z.object({ check: z.string(), ok: z.boolean(), code: z.string().optional() })),
    iss: z.string().optional(),
    id: z.string().optional(),
  })
  .openapi('EnvelopeVerdict');

export const envelopeEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/pci/envelope/create',
    summary: 'Signs a document; what does not fit into the envelope is stored and its digests are signed',
    access: 'identity:sign',
    decides: { action: 'sign', resource: 'Identity' },
    idempotent: 'stored',
    body: {
      class: 'envelopes',
      schema: z.strictObject({
        payload: anyJson.refine((value) => value !== undefined, 'expected a payload'),
        ttl: z.number().int().min(1).max(3600).default(3600),
        provenance: z
          .array(z.strictObject({ id: digestHex, digest: digestHex }))
          .max(limits.messages.provenance_max)
          .default([]),
        schema_id: z
          .string()
          .regex(/^[\x21-\x7e]{1,256}$/, 'expected 1 to 256 visible ASCII characters')
          .optional(),
        audience: z
          .string()
          .regex(/^(\*|did:[a-z0-9]+:[A-Za-z0-9._:%-]{1,200})$/, 'expected a did, or `*` for everybody')
          .default('*'),
        key_id: keyId.optional(),
      }),
    },
    answers: { 201: { description: 'the envelope, which verifies by itself', schema: made } },
    handle: async ({ services, call, body }) => {
      const judged = await services.messages.create(call, body);
      return judgedAnswer(judged, judged.value, 201);
    },
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/pci/envelope/verify',
    summary: 'Judges an envelope, each check in its order; `consume` admits a valid one once',
    access: 'ledger:read',
    body: {
      class: 'envelopes',
      schema: z.strictObject({
        envelope: z
          .union([jsonObject, z.string().max(limits.envelope.bytes_max * 2)])
          .openapi({ description: 'the envelope, or its JSON text byte for byte' }),
        consume: z.boolean().default(false),
      }),
    },
    answers: {
      200: { description: 'the verdict', schema: verdict },
      409: { description: 'admitted before; `first_verdict` is the receipt of that', type: 'application/problem+json' },
    },
    handle: async ({ services, call, body }) => {
      const { envelope, consume } = body;
      const bytes = new TextEncoder().encode(typeof envelope === 'string' ? envelope : JSON.stringify(envelope));
      if (!consume) return jsonAnswer(await services.messages.verify(bytes));
      const consumed = await services.messages.consume(call, bytes);
      if (consumed.first_verdict === undefined) return judgedAnswer(consumed, consumed.verdict);
      return seenBefore(consumed, call.request_id);
    },
  }),
];

/** A problem that tells the verdict too: who sent the message twice wants to know what became of the first. */
function seenBefore({ verdict: judged, receipt, first_verdict }: Consumed, request_id: string): Answer {
  const { status, title } = errorRecord('replay');
  const { code: reason, error: detail, ...rest } = judged;
  const problem = {
    type: 'urn:signet:problem:replay',
    title,
    status,
    code: 'replay',
    detail,
    reason,
    request_id,
    receipt,
    first_verdict,
    error: detail,
    ...rest,
  };
  return {
    kind: 'text',
    status,
    type: 'application/problem+json',
    body: JSON.stringify(problem),
    headers: { 'signet-receipt': receipt },
  };
}
