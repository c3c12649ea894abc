import { z } from '@hono/zod-openapi';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { SignetError } from '../../domain/errors.ts';
import type { GateRequest, GateVerdict } from '../../domain/gates/gates.ts';
import type { ComplianceSubject } from '../../domain/gates/constitutions.ts';
import { jsonAnswer, judgedAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { digestHex, jsonObject, wholeNumber } from '../schema-parts.ts';

const decides = { action: 'checkGates', resource: 'Gates' } as const;
const share = z.number().min(0).max(1);
const rule = z.string().regex(/^(G(\d|1[0-2])|ihsan)$/, 'expected `G0` to `G12` or `ihsan`');

const claimDocument = { description: 'a claim: read, and evidence of nothing' };

const result = z.object({
  gate: z.string(),
  passed: z.boolean(),
  code: z.string().optional(),
  duration_us: z.number().int(),
  state: z.enum(['pass', 'fail', 'na', 'error']),
  enforcement: z.enum(['strict', 'advisory', 'monitor']),
  score_bp: z.number().int(),
  bar_bp: z.number().int(),
  facts: jsonObject,
});

const checked = z
  .object({
    id: digestHex,
    passed: z.boolean(),
    code: z.string().optional(),
    all_passed: z.boolean(),
    results: z.array(result),
    snr_bp: z.number().int().optional(),
    ihsan_bp: z.number().int(),
    claimed: jsonObject,
    con: digestHex,
    verdict: jsonObject,
  })
  .openapi('GateVerdict');

export const gateEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/pci/gates/check',
    summary: "Judges a text by the constitution's gates; scores measure form, not truth",
    access: 'gates',
    decides,
    body: {
      class: 'envelopes',
      schema: z.strictObject({
        content: z.string().max(limits.messages.content_bytes_max),
        content_type: z.enum(['text/plain', 'text/markdown', 'application/json']).default('text/plain'),
        action: z
          .string()
          .regex(/^[a-zA-Z]{1,32}$/, 'expected the name of an action')
          .default('checkGates')
          .openapi({ description: 'whose chain of gates is run' }),
        envelope: jsonObject
          .optional()
          .openapi({ description: 'an envelope whose message is about this content, verified first' }),
        sender_id: z.string().max(256).optional().openapi({ description: 'a claim; the sender is who holds the key' }),
        envelope_id: z.string().max(256).optional().openapi({ description: 'a claim' }),
        schema_id: z.string().max(256).optional().openapi({ description: 'a claim' }),
        snr_score: share.optional().openapi({ description: 'a claim, which can only lower what is computed' }),
        ihsan_score: share.optional().openapi({ description: 'a claim, which can only lower what is computed' }),
      }),
    },
    answers: { 200: { description: 'the verdict, passed or not', schema: checked } },
    handle: async ({ services, call, body }) => {
      const { content, content_type, action, envelope, ...claimed } = body;
      const request: GateRequest = {
        content,
        content_type,
        action,
        claimed,
        ...(envelope === undefined ? {} : { envelope: JSON.stringify(envelope) }),
      };
      const judged = await services.gates.check(call, request);
      return judgedAnswer(judged, told(judged.value));
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/constitution',
    summary: 'The rules of this node, as they were signed',
    access: 'gates',
    query: z.object({ version: wholeNumber(1, 1_000_000).optional() }),
    answers: { 200: { description: 'thresholds, rules and the signed document', schema: jsonObject } },
    handle: async ({ services, query }) => jsonAnswer(await services.constitutions.get(query.version)),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/constitution/check',
    summary: 'Holds evidence against the rules of now; claims are none',
    access: 'gates',
    decides,
    body: {
      class: 'other',
      schema: z.strictObject({
        subject: z
          .strictObject({
            envelope: jsonObject.optional(),
            envelope_id: z.string().max(256).optional(),
            receipt_id: digestHex.optional(),
            verdict_id: digestHex.optional(),
          })
          .optional()
          .openapi({ description: 'exactly one; `envelope_id` is refused, since envelopes are not kept' }),
        rules: z.array(rule).min(1).max(16).optional(),
        snr_score: share.optional().openapi(claimDocument),
        ihsan_score: share.optional().openapi(claimDocument),
        has_signature: z.boolean().optional().openapi(claimDocument),
        has_provenance: z.boolean().optional().openapi(claimDocument),
      }),
    },
    answers: { 200: { description: 'each rule with what shows it', schema: jsonObject } },
    handle: async ({ services, call, body }) => {
      const subject = subjectOf(body.subject);
      const judged = await services.constitutions.check(call, {
        subject,
        ...(body.rules === undefined ? {} : { rules: body.rules }),
      });
      return judgedAnswer(judged, judged.value);
    },
  }),
];

function told(verdict: GateVerdict): object {
  const { id, passed, code, con, chain, snr, ihsan, record } = verdict;
  return {
    id,
    passed,
    ...(code === undefined ? {} : { code }),
    all_passed: passed && chain.every(({ state }) => state === 'pass' || state === 'na'),
    results: chain.map(({ g, state, enforcement, score, bar, code: why, facts, us }) => ({
      gate: g,
      passed: state === 'pass' || state === 'na',
      ...(why === undefined ? {} : { code: why }),
      duration_us: us,
      state,
      enforcement,
      score_bp: score,
      bar_bp: bar,
      facts,
    })),
    ...(snr === undefined ? {} : { snr_bp: snr }),
    ihsan_bp: ihsan,
    claimed: record['claimed'],
    con,
    verdict: record,
  };
}

interface GivenSubject {
  readonly envelope?: object;
  readonly envelope_id?: string;
  readonly receipt_id?: string;
  readonly verdict_id?: string;
}

/** What a caller says of its own scores, signature or origin is no evidence: 422, where an older interface believed it. */
function subjectOf(given: GivenSubject | undefined): ComplianceSubject {
  const named = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  if (named.length !== 1) {
    throw new SignetError({
      code: 'evidence_missing',
      detail: 'expected exactly one of `envelope`, `receipt_id`, `verdict_id`: claims are no evidence',
      param: 'subject',
    });
  }
  const { envelope, receipt_id, verdict_id } = given ?? {};
  if (envelope !== undefined) return { kind: 'envelope', envelope: JSON.stringify(envelope) };
  const id = receipt_id ?? verdict_id;
  if (id !== undefined) return { kind: 'receipt', id };
  throw new SignetError({
    code: 'unsupported_parameter',
    detail: 'envelopes are not kept: expected the `envelope` itself',
    param: 'subject.envelope_id',
  });
}
