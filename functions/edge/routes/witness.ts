import { z } from '@hono/zod-openapi';
import type { ErrorCode } from '../../domain/errors.ts';
import { SignetError } from '../../domain/errors.ts';
import type { CosigningRefusal, Witness } from '../../domain/witness/witness.ts';
import { jsonAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import type { Services } from '../services.ts';

const facts = z
  .object({
    name: z.string().optional(),
    vkey: z.string().optional(),
    logs: z.array(
      z.object({
        origin: z.string(),
        size: z.number().int(),
        root: z.string(),
        last_cosigned: z.number().int().optional(),
        contradicted_at: z.number().int().optional(),
      }),
    ),
  })
  .openapi('Witness');

/** C2SP `tlog-witness`: the size that a witness cosigned last, in decimal. */
const size_type = 'text/x.tlog.size';

export const witnessEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/witness/add-checkpoint',
    summary: 'Cosigns the checkpoint of a configured log when it continues the last one (C2SP tlog-witness)',
    access: 'open',
    bytes: 'witness',
    answers: {
      200: { description: 'a signature line', type: 'text/plain', schema: z.string() },
      403: { description: 'no known key of this log signed the checkpoint' },
      404: { description: 'no log of this origin is witnessed here' },
      409: { description: 'the size that was cosigned last', type: size_type, schema: z.string() },
      422: { description: 'the proof does not hold' },
    },
    async handle({ services, body }) {
      const answer = await witnessOf(services).addCheckpoint(body);
      if (answer.kind === 'refused') {
        const { why, reason, detail } = answer;
        throw new SignetError({ code: codes[why], reason, detail });
      }
      return answer.kind === 'cosigned'
        ? { kind: 'text', status: 200, type: 'text/plain; charset=utf-8', body: answer.line, headers: {} }
        : { kind: 'text', status: 409, type: size_type, body: `${answer.size}\n`, headers: {} };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/witness',
    summary: 'Name and verifier key of this witness, and how far it has cosigned which logs',
    access: 'fed:read',
    answers: { 200: { description: 'the witness', schema: facts } },
    async handle({ services }) {
      const witness = witnessOf(services);
      const [known, logs] = await Promise.all([witness.facts(), witness.logs()]);
      return jsonAnswer({ ...known, logs });
    },
  }),
];

/** Of another root at the size that was cosigned no size is told: it is the one that was sent. */
const codes: { readonly [why in CosigningRefusal]: ErrorCode } = {
  malformed: 'invalid_request',
  unknown: 'log_not_found',
  unsigned: 'signature_refused',
  contradicts: 'log_conflict',
  unproved: 'proof_refused',
};

function witnessOf({ witness }: Services): Witness {
  if (witness !== undefined) return witness;
  throw new SignetError({
    code: 'not_built',
    reason: 'feature.off',
    detail: 'no key of a witness can be held here yet',
  });
}
