import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Call, NewId, Now } from '../call.ts';
import type { Judge, Judgement } from '../decisions/judge.ts';
import { SignetError } from '../errors.ts';
import type { Identity } from '../identity/open-identity.ts';
import { signingKeyRow } from '../identity/signing-keys.ts';
import type { JsonObject } from '../json.ts';
import { allRows } from '../ports/all-rows.ts';
import type { VerifyCompute } from '../ports/compute.ts';
import { ComputeRefusedError } from '../ports/compute.ts';
import { KeyRefusedError, type Keys, type PublicKey } from '../ports/keys.ts';
import type { Item, Table } from '../ports/table.ts';
import { agentKinds } from '../receipts/statement-types.ts';
import type { Identities, ManagedIdentity, SignedPayload } from './identities.ts';
import { identityKey, identityPartition, labelKey } from './keys.ts';

export interface IdentitiesOptions {
  readonly table: Table;
  readonly keys: Keys;
  readonly identity: Pick<Identity, 'delegate' | 'revoke'>;
  readonly verify: VerifyCompute;
  readonly judge: Judge;
  readonly now: Now;
  readonly newId: NewId;
}

/** A label is held for so long while its key is made; a process that died frees it by itself. */
const reserved_s = 60;

/** Managed identities over the table; their keys are the adapter's. */
export function makeIdentities({ table, keys, identity, verify, judge, now, newId }: IdentitiesOptions): Identities {
  return {
    async generate(call, request) {
      const { label, purpose } = request;
      const asked = label === undefined ? { purpose } : { label, purpose };
      return judge.decide(call, judgement('manageIdentity', 'new', 'generate', asked), async () => {
        const reservation = newId();
        if (label !== undefined) await reserve(call, label, reservation);
        const key = await createKey();
        const made = await keep(call, request, { key, reservation });
        return { value: made, outcome: { detail: { key_id: made.key_id, delegation: made.delegation } } };
      });
    },

    list,

    find,

    async sign(call, { payload_type, payload, key_id }) {
      const chosen = await find(call, key_id);
      const asked = { payload_type, payload: Buffer.from(payload).toString('base64') };
      const question = judgement('sign', chosen.key_id, 'sign', asked, { bytes: payload.length });
      return judge.decide(call, question, async () => {
        assertLive(chosen, now());
        const sealed = await keys
          .sealPayload({ key_id: chosen.key_id, payload_type, payload })
          .catch((error: unknown) => Promise.reject(asRefusal(error)));
        const value = signedPayload(chosen, payload_type, sealed);
        return { value, outcome: { detail: { key_id: chosen.key_id, envelope: sealed.id, payload_type } } };
      });
    },

    async verify(items) {
      const outcomes = await verify.verifyPayloads(items);
      return items.map((_item, index) => {
        const outcome = outcomes[index];
        if (outcome === undefined) throw new Error(`no verdict about item ${index} came back`);
        return outcome.ok ? 'ok' : outcome.code;
      });
    },

    async revoke(call, key_id) {
      const chosen = await find(call, key_id);
      return judge.decide(call, judgement('manageIdentity', key_id, 'revoke'), async () => {
        const revoked_at = Math.floor(now() / 1000);
        const revocation = await identity.revoke({ key_id, delegation: chosen.delegation });
        const envelope = new TextDecoder().decode(revocation.entry);
        const set = { revoked_at, revocation: envelope };
        await table.transact(
          [
            { kind: 'update', key: signingKeyRow(key_id), set, conditions: [{ kind: 'exists' }] },
            { kind: 'update', key: identityKey(call.principal.tenant, rowName(chosen)), set: { revoked_at } },
          ],
          now(),
        );
        return { value: { ...chosen, revoked_at }, outcome: { detail: { key_id, revocation: revocation.id } } };
      });
    },
  };

  async function reserve(call: Call, label: string, reservation: string): Promise<void> {
    const expires_at = Math.floor(now() / 1000) + reserved_s;
    const taken = await table.write(
      {
        kind: 'put',
        key: labelKey(call.principal.tenant, label),
        item: { reservation, expires_at },
        conditions: [{ kind: 'absent' }],
      },
      now(),
    );
    if (taken.kind === 'refused') throw labelInUse();
  }

  async function createKey(): Promise<PublicKey> {
    try {
      return await keys.create('agent');
    } catch (cause) {
      if (!(cause instanceof KeyRefusedError)) throw cause;
      throw new SignetError(
        {
          code: 'not_built',
          reason: 'feature.off',
          detail: 'managed identities are kept by a local node; this deployment cannot seal their keys yet',
        },
        { cause },
      );
    }
  }

  async function keep(
    call: Call,
    { label, purpose }: { label?: string; purpose: 'agent' | 'service' },
    { key, reservation }: { key: PublicKey; reservation: string },
  ): Promise<ManagedIdentity> {
    const { tenant } = call.principal;
    const delegated = await identity.delegate({ key, kinds: agentKinds, seconds: limits.identities.delegation_s_max });
    const made: ManagedIdentity = {
      node_id: `did:key:${key.key_id}`,
      key_id: key.key_id,
      public_key: Buffer.from(key.public_key).toString('hex'),
      custody: key.custody,
      purpose,
      ...(label === undefined ? {} : { label }),
      created: Math.floor(now() / 1000),
      expires_at: delegated.naf,
      delegation: delegated.id,
    };
    const owned = delegated.rows.map((row) => ({ ...row, item: { ...row.item, tenant, created: made.created } }));
    const written = await table.transact(
      [
        ...(label === undefined
          ? []
          : [
              {
                kind: 'put' as const,
                key: labelKey(tenant, label),
                item: { key_id: key.key_id },
                conditions: [{ kind: 'equals' as const, field: 'reservation', value: reservation }],
              },
            ]),
        { kind: 'put', key: identityKey(tenant, rowName(made)), item: stored(made) },
        ...owned,
      ],
      now(),
    );
    if (written.kind === 'refused') throw labelInUse();
    return made;
  }

  async function list(call: Call): Promise<readonly ManagedIdentity[]> {
    const found: ManagedIdentity[] = [];
    const query = { pk: identityPartition(call.principal.tenant), limit: 1000 };
    for await (const { item } of allRows(table, query, now)) found.push(readIdentity(item));
    return found;
  }

  async function find(call: Call, key_id?: string): Promise<ManagedIdentity> {
    const found = key_id === undefined ? await oldestLive(call) : await byKey(call, key_id);
    if (found !== undefined) return found;
    const detail =
      key_id === undefined
        ? 'no signing identity yet; POST /api/v1/identity/generate makes one'
        : 'no signing identity with this key';
    throw new SignetError({ code: 'identity_not_found', detail, param: 'key_id' });
  }

  async function byKey(call: Call, key_id: string): Promise<ManagedIdentity | undefined> {
    if (!/^z6Mk[1-9A-HJ-NP-Za-km-z]{30,60}$/.test(key_id)) return undefined;
    const { tenant } = call.principal;
    const registered = await table.get(signingKeyRow(key_id), now());
    if (registered?.['tenant'] !== tenant || registered['role'] !== 'agent') return undefined;
    const row = await table.get(
      identityKey(tenant, rowName({ key_id, created: Number(registered['created']) })),
      now(),
    );
    return row === undefined ? undefined : readIdentity(row);
  }

  async function oldestLive(call: Call): Promise<ManagedIdentity | undefined> {
    return (await list(call)).find((one) => isLive(one, now()));
  }
}

function judgement(
  action: 'sign' | 'manageIdentity',
  id: string,
  operation: string,
  request?: JsonObject,
  facts: { readonly bytes?: number } = {},
): Judgement {
  return {
    action,
    resource: { type: 'Identity', id },
    facts: { operation, ...facts },
    ...(request === undefined ? {} : { request }),
  };
}

function signedPayload(
  { key_id, public_key }: ManagedIdentity,
  payload_type: string,
  sealed: { readonly entry: Uint8Array; readonly id: string },
): SignedPayload {
  const envelope = JSON.parse(new TextDecoder().decode(sealed.entry)) as JsonObject & {
    readonly signatures: readonly [{ readonly sig: string }];
  };
  const signature = Buffer.from(envelope.signatures[0].sig, 'base64').toString('hex');
  return { signature, public_key, payload_type, key_id, id: sealed.id, envelope };
}

/** Throws 403 for a key that was taken back or is past its end. */
function assertLive(one: ManagedIdentity, now_ms: number): void {
  if (isLive(one, now_ms)) return;
  const isRevoked = one.revoked_at !== undefined;
  throw new SignetError({
    code: 'signature_refused',
    reason: isRevoked ? 'key.revoked' : 'key.delegation',
    detail: isRevoked ? 'this identity was revoked' : "this identity's delegation is over",
    param: 'key_id',
  });
}

function isLive({ revoked_at, expires_at }: ManagedIdentity, now_ms: number): boolean {
  return revoked_at === undefined && Math.floor(now_ms / 1000) <= expires_at;
}

/** What the signer refuses is the caller's to change. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof ComputeRefusedError)) return error;
  switch (error.code) {
    case 'envelope.type':
      return new SignetError({
        code: 'signature_refused',
        reason: error.code,
        detail:
          'expected a media type of your own in lower case; types of statements, messages, notes and votes are not signed',
        param: 'payload_type',
      });
    case 'envelope.payload_size':
      return new SignetError({
        code: 'too_large',
        reason: error.code,
        detail: `expected at most ${limits.envelope.payload_bytes_max} bytes`,
        param: 'payload',
      });
    default:
      return new SignetError({
        code: 'invalid_request',
        reason: error.code,
        detail: 'expected UTF-8 text',
        param: 'payload',
      });
  }
}

function labelInUse(): SignetError {
  return new SignetError({
    code: 'identity_exists',
    detail: 'an identity with this label exists, or is being made',
    param: 'label',
  });
}

function rowName({ created, key_id }: Pick<ManagedIdentity, 'created' | 'key_id'>): string {
  return `${String(created).padStart(12, '0')}#${key_id}`;
}

/** To the table `expires_at` means a row that is swept; an identity is over then, but its row is not. */
function stored({ expires_at, ...made }: ManagedIdentity): Item {
  return { ...made, valid_until: expires_at };
}

function readIdentity({ valid_until, ...item }: Item): ManagedIdentity {
  return { ...(item as unknown as ManagedIdentity), expires_at: Number(valid_until) };
}
