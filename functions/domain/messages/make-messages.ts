import type { Now, RandomBytes } from '../call.ts';
import type { Judge } from '../decisions/judge.ts';
import { SignetError } from '../errors.ts';
import type { Identities } from '../identities/identities.ts';
import type { Identity } from '../identity/open-identity.ts';
import { findSigningKey } from '../identity/signing-keys.ts';
import type { JsonObject } from '../json.ts';
import type { DigestCompute, VerifyCompute } from '../ports/compute.ts';
import type { Keys } from '../ports/keys.ts';
import type { Objects } from '../ports/objects.ts';
import type { Table } from '../ports/table.ts';
import type { Receipts } from '../receipts/receipts.ts';
import { replayKey } from './keys.ts';
import { acceptedConstitutions } from './accepted-constitutions.ts';
import { createEnvelope } from './create-envelope.ts';
import { judgeEnvelope, reasonOf, type JudgedEnvelope } from './judge-envelope.ts';
import type { EnvelopeVerdict, Messages } from './messages.ts';
import type { MessageKind } from './read-message.ts';
import { admitOnce } from './replay.ts';

export interface MessagesOptions {
  readonly table: Table;
  readonly objects: Objects;
  readonly keys: Keys;
  readonly identity: Identity;
  readonly identities: Pick<Identities, 'find'>;
  readonly receipts: Pick<Receipts, 'get'>;
  readonly verify: VerifyCompute;
  readonly digest: DigestCompute;
  readonly judge: Judge;
  /** Whether one message more from this sender is taken now. */
  readonly takesFrom: (iss: string) => boolean;
  readonly now: Now;
  readonly random: RandomBytes;
}

/** Messages over the table; the verify order is in `judge-envelope.ts`. */
export function makeMessages(options: MessagesOptions): Messages {
  const { table, identity, verify, digest, judge, takesFrom, now } = options;

  async function judged(envelope: Uint8Array): Promise<JudgedEnvelope> {
    const now_ms = now();
    const { ttl_s, skew_s } = identity.constitution as JsonObject & {
      readonly ttl_s: { readonly [kind in MessageKind]: number };
      readonly skew_s: number;
    };
    const constitutions = await acceptedConstitutions({ table, digest, identity, now: now_ms });
    return judgeEnvelope({
      envelope,
      rules: { audience: identity.node_id, constitutions, ttl_s, skew_s, now: Math.floor(now_ms / 1000) },
      findKey: (key_id) => findSigningKey({ table, now: now_ms, document: identity.document }, key_id),
      verify,
    });
  }

  return {
    create: (call, request) => createEnvelope(options, call, request),

    verify: async (envelope) => (await judged(envelope)).verdict,

    isSeen: async ({ iss, id }) => (await table.get(replayKey(iss, id), now())) !== undefined,

    async consume(call, envelope) {
      const { verdict, message } = await judged(envelope);
      const id = verdict.id ?? '';
      const question = {
        action: 'read',
        resource: { type: 'Envelope', id },
        facts: { operation: 'consume' },
      } as const;
      if (message === undefined || verdict.id === undefined || !takesFrom(message.iss)) {
        const refused = message === undefined ? verdict : failed(verdict, 'rate', 'rate.limited');
        const { receipt } = await judge.decide(call, question, async () => ({
          value: null,
          outcome: { detail: { valid: false, reason: refused.code ?? '' } },
        }));
        return { verdict: refused, receipt };
      }
      const taken = passed(verdict, 'rate');
      // The decision is recorded first: its receipt is what the row names, and what a later copy is told.
      const decision = await judge.open(call, question);
      const end = { iss: message.iss, exp: message.exp };
      const admitted = await admitOnce(
        { table, now },
        { message: end, id: verdict.id, verdict: decision.receipt },
        () => decision.succeed({ detail: { valid: true, iss: message.iss, jti: message.jti } }),
      ).catch(async (error: unknown) => {
        // A decision that cannot be ended has failed with its storage: the first error is the one to tell.
        await decision.fail(error).catch(() => undefined);
        throw error;
      });
      if (admitted.kind === 'admitted') return { verdict: passed(taken, 'replay'), receipt: decision.receipt };
      const seen = new SignetError({ code: 'replay', reason: 'replay.seen', detail: reasonOf('replay.seen') });
      const receipt = await decision.fail(seen);
      return { verdict: failed(taken, 'replay', 'replay.seen'), receipt, first_verdict: admitted.verdict };
    },
  };
}

function passed(verdict: EnvelopeVerdict, check: 'rate' | 'replay'): EnvelopeVerdict {
  return { ...verdict, checks: [...verdict.checks, { check, ok: true }] };
}

function failed(verdict: EnvelopeVerdict, check: 'rate' | 'replay', code: string): EnvelopeVerdict {
  return {
    ...verdict,
    valid: false,
    error: reasonOf(code),
    code,
    checks: [...verdict.checks, { check, ok: false, code }],
  };
}
