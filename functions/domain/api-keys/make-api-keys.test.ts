import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Database } from '../../adapters/sqlite/open-database.ts';
import { openDatabase } from '../../adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../adapters/sqlite/sqlite-table.ts';
import type { Call } from '../call.ts';
import type { Judge } from '../decisions/judge.ts';
import { isSignetError } from '../errors.ts';
import type { Table } from '../ports/table.ts';
import { scopes } from '../scopes.ts';
import type { ApiKey, ApiKeys } from './api-keys.ts';
import type { OwnerKeys } from './make-api-keys.ts';
import { makeApiKeys } from './make-api-keys.ts';

const receipt = 'a'.repeat(64);
let home = '';
let db: Database;
let table: Table;
let clock = Date.UTC(2026, 10, 24);
let tenants = 0;
let tenant = '';

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-api-keys-'));
  db = await openDatabase({ path: join(home, 'signet.db') });
  table = sqliteTable(db);
});
afterAll(async () => {
  await db.close();
  await rm(home, { recursive: true });
});
beforeEach(() => {
  tenant = `t${(tenants += 1)}`;
});

/** Permits all and records nothing: what policy says is another suite's business. */
const judge: Pick<Judge, 'decide'> = {
  decide: async (_call, _judgement, work) => ({ value: (await work()).value, receipt }),
};

function keysOf(options: { single_user?: boolean } = {}): ApiKeys & OwnerKeys {
  return makeApiKeys({
    table,
    judge: judge as Judge,
    now: () => clock,
    newId: randomUUID,
    random: (length) => randomBytes(length),
    single_user: options.single_user ?? true,
  });
}

function callOf(key: Pick<ApiKey, 'id' | 'tenant' | 'scopes'>): Call {
  return {
    principal: { kind: 'key', id: key.id, tenant: key.tenant, scopes: key.scopes },
    request_id: randomUUID(),
    nextStatement: () => 0,
    depth: 0,
    signal: new AbortController().signal,
  };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isSignetError(error)) return error.code;
    throw error;
  }
  return 'done';
}

describe('API keys', () => {
  test('the owner gets every scope once, and its token authenticates', async () => {
    const keys = keysOf();
    const owner = await keys.createOwner({ label: 'owner', tenant });
    expect(owner.token).toMatch(/^sg_[0-9a-f]{32}_[A-Za-z0-9_-]{43}$/);
    expect(await keys.authenticate(owner.token)).toEqual({
      kind: 'key',
      id: owner.id,
      tenant,
      scopes,
      unlimited_rate: false,
    });
    const again = await keys.createOwner({ label: 'again', tenant });
    expect(await keys.authenticate(again.token)).toMatchObject({ id: again.id });
    expect(await keys.authenticate(owner.token)).toMatchObject({ id: owner.id });
  });

  test('no token is in the table, only its SHA-256', async () => {
    const keys = keysOf();
    const owner = await keys.createOwner({ label: 'owner', tenant });
    const row = JSON.stringify(await table.get({ pk: `api-key#${owner.id}`, sk: '-' }, clock));
    expect(row).not.toContain(owner.token.split('_').slice(2).join('_'));
    // A row with `expires_at` may be lost with the power: a key has none, whatever its own end is.
    expect(row).not.toContain('expires_at');
  });

  test.each([
    ['an empty text', () => ''],
    ['another secret', (token: string) => `${token.slice(0, -43)}${'A'.repeat(43)}`],
    ['another id', (token: string) => token.replace(/^sg_[0-9a-f]{32}/, `sg_${'0'.repeat(32)}`)],
    ['upper case', (token: string) => token.toUpperCase()],
    ['white space behind it', (token: string) => `${token} `],
    ['a part of it', (token: string) => token.slice(0, -1)],
    ['its hash', () => `sg_${'f'.repeat(64)}`],
    ['a key of the table', () => 'sg_../../api-key#x_y'],
  ])('%s does not authenticate', async (_, spoil) => {
    const keys = keysOf();
    const owner = await keys.createOwner({ label: 'owner', tenant });
    expect(await keys.authenticate(spoil(owner.token))).toBeUndefined();
  });

  test('a key is made within its maker: scopes, tenant, expiry', async () => {
    const keys = keysOf();
    const owner = await keys.createOwner({ label: 'owner', tenant });
    const seconds = clock / 1000;
    const made = await keys.create(callOf(owner), {
      label: 'admin',
      scopes: ['keys:admin', 'chat'],
      expires_at: seconds + 100,
    });
    const call = callOf(made.value);
    const attempt = (request: object) => codeOf(keys.create(call, { label: 'x', scopes: ['chat'], ...request }));
    expect(await attempt({ scopes: ['embed'] })).toBe('policy_denied');
    expect(await attempt({ tenant: 'other' })).toBe('policy_denied');
    expect(await attempt({ expires_at: seconds + 101 })).toBe('policy_denied');
    expect(await attempt({ expires_at: seconds })).toBe('invalid_request');
    const child = await keys.create(call, { label: 'x', scopes: ['chat', 'chat'] });
    expect(child.value).toMatchObject({ scopes: ['chat'], tenant, expires_at: seconds + 100, unlimited_rate: false });
  });

  test('a run makes no key', async () => {
    const keys = keysOf();
    const owner = await keys.createOwner({ label: 'owner', tenant });
    const call = callOf(owner);
    const run: Call = { ...call, principal: { ...call.principal, kind: 'run' } };
    expect(await codeOf(keys.create(run, { label: 'x', scopes: ['chat'] }))).toBe('policy_denied');
  });

  test.each(['chat', 'runs:write', 'tools:call', 'bus:publish'] as const)(
    'approvals and `%s` stand on one key only where one person is everybody',
    async (scope) => {
      const single = keysOf();
      const owner = await single.createOwner({ label: 'owner', tenant });
      const request = { label: 'x', scopes: ['approvals:decide', scope] as const };
      expect(await codeOf(single.create(callOf(owner), request))).toBe('done');
      expect(await codeOf(keysOf({ single_user: false }).create(callOf(owner), request))).toBe('policy_denied');
    },
  );

  test('an owner of a shared node approves nothing itself', async () => {
    const owner = await keysOf({ single_user: false }).createOwner({ label: 'owner', tenant });
    expect(owner.scopes).not.toContain('approvals:decide');
  });

  test('an expired key does not authenticate and is not listed', async () => {
    const keys = keysOf();
    const owner = await keys.createOwner({ label: 'owner', tenant });
    const made = await keys.create(callOf(owner), { label: 'x', scopes: ['chat'], expires_at: clock / 1000 + 10 });
    expect(await keys.authenticate(made.value.token)).toBeDefined();
    clock += 10_000;
    expect(await keys.authenticate(made.value.token)).toBeUndefined();
    expect((await keys.list(callOf(owner))).map(({ id }) => id)).toEqual([owner.id]);
  });

  test('revoking works at once here, and within five seconds elsewhere', async () => {
    const keys = keysOf();
    const elsewhere = keysOf();
    const owner = await keys.createOwner({ label: 'owner', tenant });
    const made = await keys.create(callOf(owner), { label: 'x', scopes: ['chat'] });
    const { token, id } = made.value;
    expect(await keys.authenticate(token)).toBeDefined();
    expect(await elsewhere.authenticate(token)).toBeDefined();
    await keys.revoke(callOf(owner), id);
    expect(await keys.authenticate(token)).toBeUndefined();
    clock += 5_000;
    expect(await elsewhere.authenticate(token)).toBeUndefined();
    expect(await codeOf(keys.revoke(callOf(owner), id))).toBe('api_key_not_found');
  });

  test("another tenant's key does not exist", async () => {
    const keys = keysOf();
    const owner = await keys.createOwner({ label: 'owner', tenant });
    const stranger = await keys.createOwner({ label: 'owner', tenant: `${tenant}-other` });
    expect(await codeOf(keys.revoke(callOf(stranger), owner.id))).toBe('api_key_not_found');
    expect(await codeOf(keys.rotate(callOf(stranger), owner.id))).toBe('api_key_not_found');
    expect(await codeOf(keys.rotate(callOf(stranger), '../x'))).toBe('api_key_not_found');
    expect((await keys.list(callOf(stranger))).map(({ id }) => id)).toEqual([stranger.id]);
  });

  test('rotating gives a new key, and the old one works 24 hours longer', async () => {
    const keys = keysOf();
    const owner = await keys.createOwner({ label: 'owner', tenant });
    const made = await keys.create(callOf(owner), { label: 'x', scopes: ['chat'] });
    const next = await keys.rotate(callOf(owner), made.value.id);
    expect(next.value).toMatchObject({ label: 'x', scopes: ['chat'] });
    expect(next.value.id).not.toBe(made.value.id);
    expect(await keys.authenticate(next.value.token)).toBeDefined();
    clock += 24 * 3_600_000 - 1_000;
    expect(await keys.authenticate(made.value.token)).toBeDefined();
    clock += 1_000;
    expect(await keys.authenticate(made.value.token)).toBeUndefined();
    expect(await keys.authenticate(next.value.token)).toBeDefined();
  });

  test('rotating makes no key live longer than it would have', async () => {
    const keys = keysOf();
    const owner = await keys.createOwner({ label: 'owner', tenant });
    const end = clock / 1000 + 60;
    const made = await keys.create(callOf(owner), { label: 'x', scopes: ['chat'], expires_at: end });
    const next = await keys.rotate(callOf(owner), made.value.id);
    expect(next.value).toMatchObject({ expires_at: end });
    clock += 60_000;
    expect(await keys.authenticate(made.value.token)).toBeUndefined();
    expect(await keys.authenticate(next.value.token)).toBeUndefined();
  });

  test('rotating a key that may more than the caller is refused: the caller would hold its secret', async () => {
    const keys = keysOf();
    const owner = await keys.createOwner({ label: 'owner', tenant });
    const admin = await keys.create(callOf(owner), { label: 'admin', scopes: ['keys:admin'] });
    expect(await codeOf(keys.rotate(callOf(admin.value), owner.id))).toBe('policy_denied');
    expect(await keys.authenticate(owner.token)).toBeDefined();
  });
});
