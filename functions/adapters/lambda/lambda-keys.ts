import { z } from 'zod';
import type { JsonObject } from '../../domain/json.ts';
import { ComputeRefusedError } from '../../domain/ports/compute.ts';
import type { SignCompute, VerifyCompute } from '../../domain/ports/compute.ts';
import { KeyRefusedError } from '../../domain/ports/keys.ts';
import type { Keys, PublicKey, SealedEnvelope } from '../../domain/ports/keys.ts';
import { memoryKeys } from '../aws/memory-keys.ts';
import { asCapability } from './capability-error.ts';
import type { InvokeFunction } from './function-call.ts';

export interface LambdaKeysOptions {
  readonly invoke: InvokeFunction;
  /** Of `sign-envelope`, the only holder of `kms:Sign`. */
  readonly function_name: string;
  /** Makes and uses session keys in this process. */
  readonly sign: SignCompute;
  readonly verify: VerifyCompute;
  /** That many bytes from a cryptographic source. */
  readonly random: (bytes: number) => Uint8Array;
}

/**
 * The issuer's key behind `sign-envelope`, session keys in the memory of this process. The issuer's key was made with
 * the stack, the root key stays on its owner's machine: neither is made, nor is a document signed here.
 */
export function lambdaKeys({ invoke, function_name, sign, verify, random }: LambdaKeysOptions): Keys {
  const sessions = memoryKeys({ sign, random });
  const ask = (payload: JsonObject) => asCapability('sign', invoke({ function_name, payload, timeout_ms }));
  let issuer: PublicKey | undefined;

  async function findIssuer(): Promise<PublicKey | undefined> {
    const reply = publicKeySchema.parse(await ask({ operation: 'public_key', role: 'issuer' }));
    if ('code' in reply) {
      if (reply.code === 'key.unknown') return undefined;
      throw refused(reply.code);
    }
    const public_key = new Uint8Array(Buffer.from(reply.public_key, 'base64'));
    if (public_key.length !== 32) throw new Error('`sign-envelope` holds a key of another kind');
    issuer = { key_id: reply.key_id, role: 'issuer', public_key, custody: 'kms' };
    return issuer;
  }

  return {
    async create(role) {
      if (role === 'session') return sessions.create();
      throw new KeyRefusedError(`a key of role \`${role}\` is not made here`);
    },

    async list(role) {
      const found = role === undefined || role === 'issuer' ? await findIssuer() : undefined;
      const keys = [...sessions.list(), ...(found === undefined ? [] : [found])];
      return role === undefined ? keys : keys.filter((key) => key.role === role);
    },

    async sealEnvelope({ key_id, payload_type, payload }): Promise<SealedEnvelope> {
      if (sessions.has(key_id)) return sessions.sealEnvelope({ key_id, payload_type, payload });
      const key = issuer?.key_id === key_id ? issuer : await findIssuer();
      if (key?.key_id !== key_id) throw new KeyRefusedError(`no key \`${key_id}\` is here`);
      const request = { operation: 'seal', role: 'issuer', payload_type, payload: JSON.stringify(payload) };
      const reply = sealedSchema.parse(await ask(request));
      if (!reply.ok) throw refused(reply.code);
      const entry = new Uint8Array(Buffer.from(reply.entry, 'base64'));
      // The function may have been given another key since: what it sealed is not what was asked for then.
      const [opened] = await verify.openEnvelopes([{ envelope: entry, public_key: key.public_key }]);
      if (opened?.ok !== true || opened.id !== reply.id) {
        issuer = undefined;
        throw new KeyRefusedError(`the key \`${key_id}\` is not the issuer's any more`);
      }
      return { entry, id: reply.id };
    },

    async sealPayload({ key_id }) {
      throw new KeyRefusedError(`the key \`${key_id}\` does not seal a caller's payloads`);
    },

    async signNote({ key_id }) {
      throw new KeyRefusedError(`the key \`${key_id}\` does not sign checkpoints here`);
    },

    async signDocument({ key_id }) {
      throw new KeyRefusedError(`the key \`${key_id}\` does not sign documents`);
    },

    release: (key_id) => sessions.release(key_id),
  };
}

/** The function's own; see `infra/`. */
const timeout_ms = 10_000;

const refusalSchema = z.object({ ok: z.literal(false), code: z.string() });
const publicKeySchema = z.union([z.object({ key_id: z.string(), public_key: z.base64() }), refusalSchema]);
const sealedSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), entry: z.base64(), id: z.string().regex(/^[0-9a-f]{64}$/) }),
  refusalSchema,
]);

function refused(code: string): Error {
  const message = `the signer refused: \`${code}\``;
  if (code === 'key.role' || code === 'key.unknown') return new KeyRefusedError(message);
  return new ComputeRefusedError({ code, index: 0, message });
}
