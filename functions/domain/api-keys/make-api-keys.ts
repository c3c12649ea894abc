import { timingSafeEqual } from 'node:crypto';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { BoundedMap } from '../bounded-map.ts';
import type { Call, NewId, Now, RandomBytes } from '../call.ts';
import type { Judge, Judgement } from '../decisions/judge.ts';
import { SignetError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { allRows } from '../ports/all-rows.ts';
import type { Item, Refused, Table, Written } from '../ports/table.ts';
import type { Scope } from '../scopes.ts';
import type { ApiKey, ApiKeys } from './api-keys.ts';
import { apiKeyList, apiKeyListRow, apiKeyRow } from './keys.ts';
import { creation, ownerScopes, type StoredKey } from './stored-key.ts';
import { idForm, newToken, readToken, secretDigest, tokenText, type Token } from './token.ts';

export interface ApiKeysOptions {
  readonly table: Table;
  readonly judge: Judge;
  readonly now: Now;
  readonly newId: NewId;
  readonly random: RandomBytes;
  /** One person is maker, user and approver (the laptop's default): such a key may also decide approvals. */
  readonly single_user: boolean;
}

export interface OwnerKeys {
  /**
   * A key for whoever owns the home: all scopes, no expiry, made by nobody and so judged by nobody. For the first start,
   * and for a start that finds no owner's key in the home. `token` is shown once.
   */
  createOwner(request: {
    label: string;
    tenant?: string;
    unlimited_rate?: boolean;
  }): Promise<ApiKey & { readonly token: string }>;
}

/** API keys over the table. */
export function makeApiKeys({ table, judge, now, newId, random, single_user }: ApiKeysOptions): ApiKeys & OwnerKeys {
  /** Live rows that were read less than five seconds ago: revoking here clears them, revoking elsewhere waits that long. */
  const recent = new BoundedMap<string, { readonly row: StoredKey; readonly read_at: number }>(recent_max);

  return {
    async authenticate(bearer) {
      const parts = readToken(bearer);
      if (parts === undefined) return undefined;
      const row = await liveRow(parts.id);
      const known = row === undefined ? nothing : Buffer.from(row.secret_sha256, 'hex');
      // Compared in constant time, and also when there is no row, so that time tells nothing of which ids exist.
      const same = timingSafeEqual(secretDigest(parts.secret), known);
      if (!same || row === undefined || isOver(row)) return undefined;
      return {
        kind: 'key',
        id: row.id,
        tenant: row.tenant,
        scopes: row.scopes,
        unlimited_rate: row.unlimited_rate,
      };
    },

    async create(call, request) {
      const token = newToken({ newId, random });
      const { id } = token;
      const asked: JsonObject = { label: request.label, scopes: request.scopes };
      return judge.decide(call, judgement(id, 'create', asked), async () => {
        const maker = await makerOf(call);
        const key = within(call, maker, { ...request, id, created: seconds() });
        const made = mint(key, token);
        written(await table.transact(creation(made.row), now()));
        return { value: { ...shown(made.row), token: made.token }, outcome: { detail: { api_key: id } } };
      });
    },

    async list(call) {
      const keys: ApiKey[] = [];
      const query = { pk: apiKeyList(call.principal.tenant), limit: 1000 };
      for await (const { item } of allRows(table, query, now)) {
        const key = readRow(item);
        if (!isOver(key)) keys.push(shown(key));
      }
      return keys;
    },

    async revoke(call, id) {
      const row = await ownRow(call, id);
      return judge.decide(call, judgement(id, 'revoke'), async () => {
        recent.delete(id);
        await table.transact(
          [
            { kind: 'delete', key: apiKeyRow(id) },
            { kind: 'delete', key: apiKeyListRow(row.tenant, id) },
          ],
          now(),
        );
        // Again: a request in between may have read the row just before it went.
        recent.delete(id);
        return { value: null, outcome: { detail: { api_key: id } } };
      });
    },

    async rotate(call, id) {
      const row = await ownRow(call, id);
      const token = newToken({ newId, random });
      const successor = token.id;
      return judge.decide(call, judgement(id, 'rotate'), async () => {
        // Whoever rotates holds the new secret: it may not carry more than the one who asks.
        const maker = await makerOf(call);
        const key = within(call, maker, {
          ...optionalExpiry(row),
          label: row.label,
          scopes: row.scopes,
          id: successor,
          created: seconds(),
        });
        const made = mint({ ...key, unlimited_rate: row.unlimited_rate }, token);
        const last_s = seconds() + overlap_s;
        const old: StoredKey = { ...row, valid_until: Math.min(row.valid_until ?? last_s, last_s), successor };
        written(
          await table.transact(
            [
              ...creation(made.row),
              { kind: 'put', key: apiKeyRow(id), item: { ...old }, conditions: [{ kind: 'exists' }] },
              { kind: 'put', key: apiKeyListRow(row.tenant, id), item: { ...old } },
            ],
            now(),
          ),
        );
        recent.delete(id);
        return {
          value: { ...shown(made.row), token: made.token },
          outcome: { detail: { api_key: successor, replaces: id } },
        };
      });
    },

    async createOwner({ label, tenant = 'default', unlimited_rate = false }) {
      const token = newToken({ newId, random });
      const scopes = ownerScopes({ single_user });
      const made = mint({ id: token.id, label, tenant, scopes, created: seconds(), unlimited_rate }, token);
      written(await table.transact(creation(made.row), now()));
      return { ...shown(made.row), token: made.token };
    },
  };

  async function liveRow(id: string): Promise<StoredKey | undefined> {
    const held = recent.get(id);
    if (held !== undefined && now() - held.read_at < recent_ms) return held.row;
    const item = await table.get(apiKeyRow(id), now());
    if (item === undefined) {
      recent.delete(id);
      return undefined;
    }
    const row = readRow(item);
    recent.set(id, { row, read_at: now() });
    return row;
  }

  /** A key of another tenant does not exist for this one. */
  async function ownRow(call: Call, id: string): Promise<StoredKey> {
    const item = idForm.test(id) ? await table.get(apiKeyRow(id), now()) : undefined;
    const row = item === undefined ? undefined : readRow(item);
    if (row === undefined || row.tenant !== call.principal.tenant || isOver(row)) {
      throw new SignetError({ code: 'api_key_not_found', detail: 'no API key with this id', param: 'id' });
    }
    return row;
  }

  /** Runs hold no key of their own and so make none. */
  async function makerOf(call: Call): Promise<StoredKey> {
    const row = call.principal.kind === 'key' ? await liveRow(call.principal.id) : undefined;
    if (row === undefined)
      throw new SignetError({ code: 'policy_denied', detail: 'only a live API key makes API keys' });
    return row;
  }

  function within(call: Call, maker: StoredKey, asked: AskedKey): UnhashedKey {
    const tenant = asked.tenant ?? call.principal.tenant;
    if (tenant !== call.principal.tenant) {
      throw new SignetError({
        code: 'policy_denied',
        detail: `expected the maker's own tenant \`${call.principal.tenant}\``,
        param: 'tenant',
      });
    }
    const more = asked.scopes.filter((scope) => !call.principal.scopes.includes(scope));
    if (more.length > 0) {
      throw new SignetError({
        code: 'policy_denied',
        detail: `the maker's key lacks ${more.map((scope) => `\`${scope}\``).join(', ')}`,
        param: 'scopes',
      });
    }
    const acting = asked.scopes.filter((scope) => actingScopes.has(scope));
    if (!single_user && asked.scopes.includes('approvals:decide') && acting.length > 0) {
      throw new SignetError({
        code: 'policy_denied',
        detail: `\`approvals:decide\` cannot stand beside \`${acting[0]}\`: who acts does not approve`,
        param: 'scopes',
      });
    }
    return { ...asked, tenant, ...latest(asked.expires_at, maker.valid_until), unlimited_rate: false };
  }

  /** Not past the maker's own end; without a wish, exactly that. */
  function latest(asked: number | undefined, maker: number | undefined): { expires_at?: number } {
    if (asked !== undefined && asked <= seconds()) {
      throw new SignetError({ code: 'invalid_request', detail: 'expected a time in the future', param: 'expires_at' });
    }
    if (maker === undefined) return asked === undefined ? {} : { expires_at: asked };
    if (asked !== undefined && asked > maker) {
      throw new SignetError({
        code: 'policy_denied',
        detail: `the maker's key ends at ${maker}, the new one cannot end later`,
        param: 'expires_at',
      });
    }
    return { expires_at: asked ?? maker };
  }

  function mint(key: UnhashedKey, token: Token): { readonly row: StoredKey; readonly token: string } {
    const { expires_at, ...rest } = key;
    return {
      row: {
        id: rest.id,
        label: rest.label,
        tenant: rest.tenant,
        scopes: [...new Set(rest.scopes)],
        created: rest.created,
        unlimited_rate: rest.unlimited_rate,
        secret_sha256: secretDigest(token.secret).toString('hex'),
        ...(expires_at === undefined ? {} : { valid_until: expires_at }),
      },
      token: tokenText(token),
    };
  }

  function isOver(row: StoredKey): boolean {
    return row.valid_until !== undefined && seconds() >= row.valid_until;
  }

  function seconds(): number {
    return Math.floor(now() / 1000);
  }
}

const recent_ms = 5_000;
const recent_max = 10_000;
const overlap_s = limits.idempotency_ttl_s; // 24 h, like everything that a client may still hold
const actingScopes: ReadonlySet<Scope> = new Set(['chat', 'runs:write', 'tools:call', 'bus:publish']);
const nothing = Buffer.alloc(32);

interface AskedKey {
  readonly id: string;
  readonly label: string;
  readonly scopes: readonly Scope[];
  readonly created: number;
  readonly tenant?: string;
  readonly expires_at?: number;
}

type UnhashedKey = Omit<AskedKey, 'tenant'> & { readonly tenant: string; readonly unlimited_rate: boolean };

function judgement(id: string, operation: string, request?: JsonObject): Judgement {
  return {
    action: 'administer',
    resource: { type: 'ApiKey', id },
    facts: { operation },
    ...(request === undefined ? {} : { request }),
  };
}

/** A fresh id met an old row, or a row went while it was being replaced: nothing was written. */
function written(result: Written | Refused): void {
  if (result.kind === 'refused') {
    throw new SignetError({ code: 'write_conflict', detail: 'the key changed meanwhile', retry_after_s: 1 });
  }
}

function readRow(item: Item): StoredKey {
  return item as unknown as StoredKey;
}

function optionalExpiry(row: StoredKey): { expires_at?: number } {
  return row.valid_until === undefined ? {} : { expires_at: row.valid_until };
}

function shown(row: StoredKey): ApiKey {
  return {
    id: row.id,
    label: row.label,
    tenant: row.tenant,
    scopes: row.scopes,
    created: row.created,
    ...optionalExpiry(row),
    unlimited_rate: row.unlimited_rate,
  };
}
