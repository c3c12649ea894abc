import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { ApiKey, ApiKeys } from '../domain/api-keys/api-keys.ts';
import type { OwnerKeys } from '../domain/api-keys/make-api-keys.ts';
import { makeApiKeys } from '../domain/api-keys/make-api-keys.ts';
import type { Call } from '../domain/call.ts';
import type { Judge } from '../domain/decisions/judge.ts';
import { isSignetError, SignetError } from '../domain/errors.ts';
import { makeIdempotency } from '../domain/idempotency/make-idempotency.ts';
import type { Table } from '../domain/ports/table.ts';
import { scopes } from '../domain/scopes.ts';
import { makeApp } from './make-app.ts';
import { openTable } from './testing/open-table.ts';
import { receipt, recordedServices } from './testing/recorded-services.ts';

let opened: Awaited<ReturnType<typeof openTable>>;
let table: Table;
let clock = Date.UTC(2026, 10, 24);
let tenants = 0;
let tenant = '';

beforeAll(async () => {
  opened = await openTable();
  table = opened.table;
});
afterAll(() => opened.close());
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
    await expect(keys.createOwner({ label: 'again', tenant })).rejects.toThrow(TypeError);
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

  test('rotating a key that may more than the caller is refused: the caller would hold its secret', async () => {
    const keys = keysOf();
    const owner = await keys.createOwner({ label: 'owner', tenant });
    const admin = await keys.create(callOf(owner), { label: 'admin', scopes: ['keys:admin'] });
    expect(await codeOf(keys.rotate(callOf(admin.value), owner.id))).toBe('policy_denied');
    expect(await keys.authenticate(owner.token)).toBeDefined();
  });
});

describe('idempotency', () => {
  const principal = () => ({ id: 'p', tenant });
  const answer = { status: 200, headers: { 'content-type': 'application/json' }, body: '{"n":1}' };
  const once = () => makeIdempotency({ table, now: () => clock, newId: randomUUID });

  test('the second gets the answer of the first, a third with another body 422', async () => {
    const first = await once().begin({ principal: principal(), key: 'k', digest: 'd' });
    if (first.kind !== 'fresh') throw new Error('expected a fresh one');
    expect(await codeOf(once().begin({ principal: principal(), key: 'k', digest: 'd' }))).toBe(
      'idempotency_in_progress',
    );
    expect(await codeOf(once().begin({ principal: principal(), key: 'k', digest: 'e' }))).toBe('idempotency_mismatch');
    await first.finish(answer, receipt);
    expect(await once().begin({ principal: principal(), key: 'k', digest: 'd' })).toEqual({ kind: 'stored', answer });
    expect(await codeOf(once().begin({ principal: principal(), key: 'k', digest: 'e' }))).toBe('idempotency_mismatch');
    expect(await once().begin({ principal: { id: 'q', tenant }, key: 'k', digest: 'e' })).toMatchObject({
      kind: 'fresh',
    });
    clock += 24 * 3_600_000;
    expect(await once().begin({ principal: principal(), key: 'k', digest: 'e' })).toMatchObject({ kind: 'fresh' });
  });

  test('fifty at once: one does it', async () => {
    const all = await Promise.all(
      Array.from({ length: 50 }, () => codeOf(once().begin({ principal: principal(), key: 'many', digest: 'd' }))),
    );
    expect(all.filter((code) => code === 'done')).toHaveLength(1);
    expect(all.filter((code) => code === 'idempotency_in_progress')).toHaveLength(49);
  });

  test('what was abandoned may be tried again', async () => {
    const first = await once().begin({ principal: principal(), key: 'k', digest: 'd' });
    if (first.kind === 'fresh') await first.abandon();
    expect(await once().begin({ principal: principal(), key: 'k', digest: 'e' })).toMatchObject({ kind: 'fresh' });
  });

  test('a crash frees the key when no request can still be running, and the late one overwrites nothing', async () => {
    const first = await once().begin({ principal: principal(), key: 'k', digest: 'd' });
    clock += 331_000;
    const second = await once().begin({ principal: principal(), key: 'k', digest: 'd' });
    if (first.kind !== 'fresh' || second.kind !== 'fresh') throw new Error('expected fresh ones');
    await second.finish(answer, undefined);
    await first.abandon();
    expect(await once().begin({ principal: principal(), key: 'k', digest: 'd' })).toMatchObject({ kind: 'stored' });
  });

  test.each([
    ['too long', { ...answer, body: 'x'.repeat(262_145) }],
    ['too long once escaped', { ...answer, body: '"'.repeat(260_000) }],
    ['a secret', undefined],
  ])('an answer that is %s is not repeated: 409 with its receipt', async (_, big) => {
    const first = await once().begin({ principal: principal(), key: 'k', digest: 'd' });
    if (first.kind === 'fresh') await first.finish(big, receipt);
    try {
      await once().begin({ principal: principal(), key: 'k', digest: 'd' });
      throw new Error('expected a refusal');
    } catch (error) {
      expect(error).toMatchObject({ public: { code: 'replay', reason: 'replay.seen' }, receipt });
    }
  });
});

describe('Idempotency-Key at the edge', () => {
  async function appWith(changes: Parameters<typeof recordedServices>[0] = {}) {
    const keys = keysOf();
    const owner = await keys.createOwner({ label: 'owner', tenant });
    const services = recordedServices({
      apiKeys: keys,
      idempotency: makeIdempotency({ table, now: () => clock, newId: randomUUID }),
      ...changes,
    });
    const app = makeApp(services);
    const post = (path: string, body: object, key: string | undefined = 'k-1') =>
      Promise.resolve(
        app.request(path, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${owner.token}`,
            'content-type': 'application/json',
            ...(key === undefined ? {} : { 'idempotency-key': key }),
          },
          body: JSON.stringify(body),
        }),
      );
    return { services, post };
  }

  test('repeats a stored answer with its headers and reaches the domain once', async () => {
    const { services, post } = await appWith();
    const chat = { model: 'auto', messages: [{ role: 'user', content: 'x' }] };
    const first = await post('/v1/chat/completions', chat);
    const again = await post('/v1/chat/completions', chat);
    expect(await again.text()).toBe(await first.text());
    expect(again.headers.get('signet-receipt')).toBe(receipt);
    expect(again.headers.get('signet-route')).toBe('edge/signet-edge-1');
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(services.reached).toHaveLength(1);
    expect((await post('/v1/chat/completions', { ...chat, model: 'other' })).status).toBe(422);
    expect((await post('/api/v1/vectors/collections', { name: 'a', dimension: 1 })).status).toBe(422);
  });

  test('re-emits a stored stream', async () => {
    const { services, post } = await appWith();
    const chat = { model: 'auto', messages: [{ role: 'user', content: 'x' }], stream: true };
    const first = await (await post('/v1/chat/completions', chat)).text();
    const again = await post('/v1/chat/completions', chat);
    expect(again.headers.get('content-type')).toContain('text/event-stream');
    expect(await again.text()).toBe(first);
    expect(first).toMatch(/data: \[DONE\]\n\n$/);
    expect(services.reached).toHaveLength(1);
  });

  test('never stores the token of a new API key', async () => {
    const { post } = await appWith();
    const made = await post('/api/v1/api-keys', { label: 'x', scopes: ['chat'] });
    expect(made.status).toBe(201);
    const again = await post('/api/v1/api-keys', { label: 'x', scopes: ['chat'] });
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ code: 'replay', receipt });
  });

  test.each([
    ['a failure of ours', new Error('disk on fire'), 500, false],
    ['a failure that may pass', new SignetError({ code: 'write_conflict', detail: 'x' }), 429, false],
    ['a refusal that stands', new SignetError({ code: 'collection_exists', detail: 'x' }), 409, true],
  ])('%s is stored only if no repeat can change it', async (_, error, status, kept) => {
    let attempts = 0;
    const base = recordedServices();
    const { post } = await appWith({
      vectors: { ...base.vectors, create: () => ((attempts += 1), Promise.reject(error)) },
    });
    const body = { name: 'notes', dimension: 3 };
    expect((await post('/api/v1/vectors/collections', body)).status).toBe(status);
    expect((await post('/api/v1/vectors/collections', body)).status).toBe(status);
    expect(attempts).toBe(kept ? 1 : 2);
  });

  test.each(['', 'a'.repeat(65), 'a b', 'é'])('refuses the key %j', async (key) => {
    const { post } = await appWith();
    const answer = await post('/api/v1/vectors/collections', { name: 'notes', dimension: 3 }, key);
    expect(answer.status).toBe(400);
  });
});
