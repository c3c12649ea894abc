import { CreateAliasCommand, CreateKeyCommand, ListAliasesCommand, SignCommand } from '@aws-sdk/client-kms';
import type { KMSClient } from '@aws-sdk/client-kms';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { JsonObject } from '../../domain/json.ts';
import { ComputeRefusedError } from '../../domain/ports/compute.ts';
import type { Compute, Outcome } from '../../domain/ports/compute.ts';
import { KeyRefusedError } from '../../domain/ports/keys.ts';
import type { KeyRole, Keys, PublicKey } from '../../domain/ports/keys.ts';
import { memoryKeys } from '../aws/memory-keys.ts';
import { CallFailedError, repeatCall, usual_rules } from '../aws/repeat-call.ts';
import type { RepeatRules } from '../aws/repeat-call.ts';
import { envelopeEntry, isGrant, preAuthenticationEncoding, proofOptions, splitProofs } from './forms.ts';
import { multibase } from './multikey.ts';
import { readPublicKey } from './read-public-key.ts';

export interface KmsKeysOptions {
  /** Made with `client_settings`: it must not repeat calls by itself. */
  readonly client: KMSClient;
  /** Such as `alias/signet-dev/`; a key is found by `<prefix><role>-<key_id>`. */
  readonly alias_prefix: string;
  readonly compute: Pick<Compute, 'sign' | 'verify' | 'digest'>;
  /** That many bytes from a cryptographic source. */
  readonly random: (bytes: number) => Uint8Array;
  readonly rules?: Partial<RepeatRules>;
}

const key_name = /^(root|issuer|agent|log|witness)-(z[1-9A-HJ-NP-Za-km-z]{1,80})$/;

/**
 * Root and issuer keys that never leave KMS (`ECC_NIST_EDWARDS25519`, signed as raw bytes), session keys in the memory
 * of this process. KMS signs any bytes; so this adapter makes them, and everything signed is read back by the strict
 * verifier before it leaves.
 */
export function kmsKeys({ client, alias_prefix, compute, random, rules: own_rules }: KmsKeysOptions): Keys {
  const rules = { ...usual_rules, ...own_rules };
  const sessions = memoryKeys({ sign: compute.sign, random });
  const known = new Map<string, PublicKey>();

  async function createInKms(role: KeyRole): Promise<PublicKey> {
    // Not repeated when the answer was lost: a key that nobody names would be paid for for ever.
    const made = await call('CreateKey', () =>
      repeatCall(
        () => client.send(new CreateKeyCommand({ KeySpec: 'ECC_NIST_EDWARDS25519', KeyUsage: 'SIGN_VERIFY' })),
        { rules, final: ['unknown'] },
      ),
    );
    const KeyId = made.KeyMetadata?.KeyId ?? '';
    const key = await call('GetPublicKey', () => readPublicKey({ client, key: KeyId, role, rules }));
    const { key_id } = key;
    const AliasName = `${alias_prefix}${role}-${key_id}`;
    await call('CreateAlias', () =>
      repeatCall(() => client.send(new CreateAliasCommand({ AliasName, TargetKeyId: KeyId })), { rules }).catch(
        // The first attempt made it: the name holds the public half of a key that was made a moment ago.
        (error: unknown) => ignore(error, 'AlreadyExistsException'),
      ),
    );
    known.set(key_id, key);
    return key;
  }

  async function listInKms(): Promise<PublicKey[]> {
    const names: string[] = [];
    let marker: string | undefined;
    do {
      const command = new ListAliasesCommand({ Limit: 100, ...(marker === undefined ? {} : { Marker: marker }) });
      const page = await call('ListAliases', () => repeatCall(() => client.send(command), { rules }));
      names.push(...(page.Aliases ?? []).map(({ AliasName = '' }) => AliasName));
      marker = page.Truncated === true ? page.NextMarker : undefined;
    } while (marker !== undefined);
    const found = names
      .filter((name) => name.startsWith(alias_prefix))
      .map((name) => key_name.exec(name.slice(alias_prefix.length)))
      .flatMap((match) => (match?.[1] === undefined || match[2] === undefined ? [] : [[match[1], match[2]] as const]))
      .sort(([, a], [, b]) => (a < b ? -1 : 1));
    const decoded = await compute.verify.decodeKeyIds(found.map(([, key_id]) => key_id));
    return found.flatMap(([role, key_id], index) => {
      const outcome = decoded[index];
      if (outcome?.ok !== true) return [];
      return [
        { key_id, role: role as KeyRole, public_key: new Uint8Array(outcome.public_key), custody: 'kms' as const },
      ];
    });
  }

  async function find(key_id: string): Promise<PublicKey> {
    const key = known.get(key_id) ?? (await listInKms()).find((listed) => listed.key_id === key_id);
    if (key === undefined) throw new KeyRefusedError(`no key \`${key_id}\` is here`);
    known.set(key_id, key);
    return key;
  }

  async function signBytes({ role, key_id }: PublicKey, Message: Uint8Array): Promise<Uint8Array> {
    const command = new SignCommand({
      KeyId: `${alias_prefix}${role}-${key_id}`,
      Message,
      MessageType: 'RAW',
      SigningAlgorithm: 'ED25519_SHA_512',
    });
    const { Signature = new Uint8Array() } = await call('Sign', () =>
      repeatCall(() => client.send(command), { rules }).catch((error: unknown) => {
        if (isNamed(error, 'NotFoundException')) throw new KeyRefusedError(`no key \`${key_id}\` is here`);
        throw error;
      }),
    );
    return Signature;
  }

  async function canonical(value: JsonObject): Promise<Uint8Array> {
    const [outcome] = await compute.digest.canonicalise([Buffer.from(JSON.stringify(value))]);
    return unwrap(outcome).canonical;
  }

  return {
    async create(role) {
      // A key of its own in KMS for each identity of a caller would cost its owner a dollar a month.
      if (role === 'agent') throw new KeyRefusedError('a key of role `agent` is not made here');
      return role === 'session' ? sessions.create() : createInKms(role);
    },

    async list(role) {
      const keys = [...sessions.list(), ...(role === 'session' ? [] : await listInKms())];
      return role === undefined ? keys : keys.filter((key) => key.role === role);
    },

    async sealEnvelope({ key_id, payload_type, payload }) {
      if (sessions.has(key_id)) return sessions.sealEnvelope({ key_id, payload_type, payload });
      const key = await find(key_id);
      const may_seal = key.role === 'issuer' && payload_type === 'application/vnd.in-toto+json' && isGrant(payload);
      if (!may_seal) throw new KeyRefusedError(`a key of role \`${key.role}\` does not seal this`);
      const bytes = await canonical(payload);
      if (bytes.length > limits.envelope.payload_bytes_max) throw refused('envelope.payload_size');
      const signature = await signBytes(key, preAuthenticationEncoding(payload_type, bytes));
      const entry = envelopeEntry({ payload_type, payload: bytes, key_id, signature });
      const [opened] = await compute.verify.openEnvelopes([{ envelope: entry, public_key: key.public_key }]);
      return { entry, id: unwrap(opened).id };
    },

    async sealPayload({ key_id }) {
      throw new KeyRefusedError(`the key \`${key_id}\` does not seal a caller's payloads`);
    },

    async signNote({ key_id }) {
      throw new KeyRefusedError(`the key \`${key_id}\` does not sign checkpoints here`);
    },

    async signDocument({ key_id, verification_method, document, created }) {
      const key = sessions.has(key_id) ? undefined : await find(key_id);
      if (key?.role !== 'root') throw new KeyRefusedError(`the key \`${key_id}\` does not sign documents`);
      if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(created)) throw refused('envelope.shape');
      const { unsecured, proofs } = splitProofs(document);
      const options = proofOptions({ unsecured, created, verification_method });
      const digests = await compute.digest.digest([await canonical(options), await canonical(unsecured)]);
      const hash_data = Buffer.concat(digests.map(({ sha256 }) => Buffer.from(sha256, 'hex')));
      const proof = { ...options, proofValue: multibase(await signBytes(key, hash_data)) };
      const all = [...proofs, proof];
      const secured = await canonical({ ...unsecured, proof: all.length === 1 ? proof : all });
      const [verified] = await compute.verify.verifyDocuments([{ document_json: secured, public_key: key.public_key }]);
      unwrap(verified);
      return JSON.parse(Buffer.from(secured).toString()) as JsonObject;
    },

    release: (key_id) => sessions.release(key_id),
  };
}

function unwrap<T>(outcome: Outcome<T> | undefined): T {
  if (outcome === undefined) throw new Error('the compute gave no answer');
  if (outcome.ok) return outcome;
  throw refused(outcome.code);
}

function refused(code: string): ComputeRefusedError {
  return new ComputeRefusedError({ code, index: 0, message: `the signer refused: \`${code}\`` });
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof CallFailedError && error.cause instanceof Error && error.cause.name === name;
}

function ignore(error: unknown, name: string): undefined {
  if (isNamed(error, name)) return undefined;
  throw error;
}

/** The public text of an error names the call, not what was sent. */
async function call<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof CallFailedError)) throw cause;
    throw new Error(`KMS did not take \`${name}\``, { cause });
  }
}
