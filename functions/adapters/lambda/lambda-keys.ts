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
  /** Whose keys in KMS the callers of this alias may use; `issuer` when absent. */
  readonly roles?: readonly ('issuer' | 'log')[];
  /** Makes and uses session keys in this process. */
  readonly sign: SignCompute;
  readonly verify: VerifyCompute;
  /** That many bytes from a cryptographic source. */
  readonly random: (bytes: number) => Uint8Array;
}

/**
 * Keys in KMS behind `sign-envelope` (the issuer's, or the log's), session keys in the memory of this process. Keys in KMS
 * were made with the stack, the root key stays on its owner's machine: none is made, nor is a document signed here.
 */
export function lambdaKeys(options: LambdaKeysOptions): Keys {
  const { invoke, function_name, roles = ['issuer'], sign, verify, random } = options;
  const sessions = memoryKeys({ sign, random });
  const ask = (payload: JsonObject) => asCapability('sign', invoke({ function_name, payload, timeout_ms }));
  const found = new Map<CustodyRole, PublicKey>();

  async function find(role: CustodyRole): Promise<PublicKey | undefined> {
    found.delete(role);
    const reply = publicKeySchema.parse(await ask({ operation: 'public_key', role }));
    if ('code' in reply) {
      if (reply.code === 'key.unknown') return undefined;
      throw refused(reply.code);
    }
    const public_key = new Uint8Array(Buffer.from(reply.public_key, 'base64'));
    if (public_key.length !== 32) throw new Error('`sign-envelope` holds a key of another kind');
    const key = { key_id: reply.key_id, role, public_key, custody: 'kms' } as const;
    found.set(role, key);
    return key;
  }

  async function heldAs(role: CustodyRole, key_id: string): Promise<PublicKey> {
    const known = found.get(role);
    if (known?.key_id === key_id) return known;
    const key = roles.includes(role) ? await find(role) : undefined;
    if (key?.key_id === key_id) return key;
    throw new KeyRefusedError(`no key \`${key_id}\` of role \`${role}\` is here`);
  }

  return {
    async create(role) {
      if (role === 'session') return sessions.create();
      throw new KeyRefusedError(`a key of role \`${role}\` is not made here`);
    },

    async list(role) {
      const asked = roles.filter((each) => role === undefined || role === each);
      const here = await Promise.all(asked.map((each) => find(each)));
      const keys = [...sessions.list(), ...here.filter((key) => key !== undefined)];
      return role === undefined ? keys : keys.filter((key) => key.role === role);
    },

    async sealEnvelope({ key_id, payload_type, payload }): Promise<SealedEnvelope> {
      if (sessions.has(key_id)) return sessions.sealEnvelope({ key_id, payload_type, payload });
      const key = await heldAs('issuer', key_id);
      const request = { operation: 'seal', role: 'issuer', payload_type, payload: JSON.stringify(payload) };
      const reply = sealedSchema.parse(await ask(request));
      if (!reply.ok) throw refused(reply.code);
      const entry = new Uint8Array(Buffer.from(reply.entry, 'base64'));
      // The function may have been given another key since: what it sealed is not what was asked for then.
      const [opened] = await verify.openEnvelopes([{ envelope: entry, public_key: key.public_key }]);
      if (opened?.ok !== true || opened.id !== reply.id) {
        found.delete('issuer');
        throw new KeyRefusedError(`the key \`${key_id}\` is not the issuer's any more`);
      }
      return { entry, id: reply.id };
    },

    async sealPayload({ key_id }) {
      throw new KeyRefusedError(`the key \`${key_id}\` does not seal a caller's payloads`);
    },

    async signNote({ key_id, name, text }) {
      const key = await heldAs('log', key_id);
      const { size, root } = checkpointOf(text);
      const reply = lineSchema.parse(await ask({ operation: 'sign_checkpoint', size, root }));
      if (!reply.ok) throw refused(reply.code);
      // Of another key, or under another name than the one that was meant, it would be worth nothing.
      const [, named = '', encoded = ''] = /^\u2014 (\S+) (\S+)\n$/.exec(reply.line) ?? [];
      const signature = new Uint8Array(Buffer.from(encoded, 'base64').subarray(4));
      const message = new TextEncoder().encode(text);
      const [verified] = await verify.verifySignatures([{ public_key: key.public_key, message, signature }]);
      if (named === name && verified?.ok === true) return reply.line;
      found.delete('log');
      throw new KeyRefusedError(`the key \`${key_id}\` does not sign for \`${name}\` any more`);
    },

    async signDocument({ key_id }) {
      throw new KeyRefusedError(`the key \`${key_id}\` does not sign documents`);
    },

    release: (key_id) => sessions.release(key_id),
  };
}

type CustodyRole = 'issuer' | 'log';

/** Size and root (hex) of a checkpoint's text, as the function takes them. */
function checkpointOf(text: string): { readonly size: number; readonly root: string } {
  const [, size = '', root = ''] = text.split('\n');
  return { size: Number(size), root: Buffer.from(root, 'base64').toString('hex') };
}

/** The function's own; see `infra/`. */
const timeout_ms = 10_000;

const refusalSchema = z.object({ ok: z.literal(false), code: z.string() });
const publicKeySchema = z.union([z.object({ key_id: z.string(), public_key: z.base64() }), refusalSchema]);
const sealedSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), entry: z.base64(), id: z.string().regex(/^[0-9a-f]{64}$/) }),
  refusalSchema,
]);

const lineSchema = z.discriminatedUnion('ok', [z.object({ ok: z.literal(true), line: z.string() }), refusalSchema]);

function refused(code: string): Error {
  const message = `the signer refused: \`${code}\``;
  // `log.rollback`: the lock row has gone on, and what is asked for is signed no more.
  if (code === 'key.role' || code === 'key.unknown' || code === 'log.rollback') return new KeyRefusedError(message);
  return new ComputeRefusedError({ code, index: 0, message });
}
