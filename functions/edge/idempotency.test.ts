import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Database } from '../adapters/sqlite/open-database.ts';
import { openDatabase } from '../adapters/sqlite/open-database.ts';
import { sqliteTable } from '../adapters/sqlite/sqlite-table.ts';
import { SignetError } from '../domain/errors.ts';
import { makeIdempotency } from '../domain/idempotency/make-idempotency.ts';
import type { Table } from '../domain/ports/table.ts';
import { makeApp } from './make-app.ts';
import { ownerToken, receipt, recordedServices } from './testing/recorded-services.ts';

let home = '';
let db: Database;
let table: Table;
const clock = Date.UTC(2026, 10, 24);

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-edge-'));
  db = await openDatabase({ path: join(home, 'signet.db') });
  table = sqliteTable(db);
});
afterAll(async () => {
  await db.close();
  await rm(home, { recursive: true });
});
beforeEach(async () => {
  const { rows } = await table.query({ pk: `t#default#idem#${ownerToken}`, limit: 1000 }, clock);
  for (const { sk } of rows) {
    await table.write({ kind: 'delete', key: { pk: `t#default#idem#${ownerToken}`, sk } }, clock);
  }
});

describe('Idempotency-Key at the edge', () => {
  function appWith(changes: Parameters<typeof recordedServices>[0] = {}) {
    const services = recordedServices({
      idempotency: makeIdempotency({ table, now: () => clock, newId: randomUUID }),
      ...changes,
    });
    const app = makeApp(services);
    const post = (path: string, body: object, key: string | undefined = 'k-1') =>
      Promise.resolve(
        app.request(path, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${ownerToken}`,
            'content-type': 'application/json',
            ...(key === undefined ? {} : { 'idempotency-key': key }),
          },
          body: JSON.stringify(body),
        }),
      );
    return { services, post };
  }

  test('repeats a stored answer with its headers and reaches the domain once', async () => {
    const { services, post } = appWith();
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
    const { services, post } = appWith();
    const chat = { model: 'auto', messages: [{ role: 'user', content: 'x' }], stream: true };
    const first = await (await post('/v1/chat/completions', chat)).text();
    const again = await post('/v1/chat/completions', chat);
    expect(again.headers.get('content-type')).toContain('text/event-stream');
    expect(await again.text()).toBe(first);
    expect(first).toMatch(/data: \[DONE\]\n\n$/);
    expect(services.reached).toHaveLength(1);
  });

  test('repeats an answer without a body', async () => {
    const { services } = appWith();
    const app = makeApp(services);
    const headers = { authorization: `Bearer ${ownerToken}`, 'idempotency-key': 'gone' };
    for (const repeated of [null, 'true']) {
      const answer = await app.request('/api/v1/vectors/collections/notes', { method: 'DELETE', headers });
      expect(answer.status).toBe(204);
      expect(answer.headers.get('signet-receipt')).toBe(receipt);
      expect(answer.headers.get('idempotent-replayed')).toBe(repeated);
    }
    expect(services.reached).toHaveLength(1);
  });

  test('never stores the token of a new API key', async () => {
    const { post } = appWith();
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
    const { post } = appWith({
      vectors: { ...base.vectors, create: () => ((attempts += 1), Promise.reject(error)) },
    });
    const body = { name: 'notes', dimension: 3 };
    expect((await post('/api/v1/vectors/collections', body)).status).toBe(status);
    expect((await post('/api/v1/vectors/collections', body)).status).toBe(status);
    expect(attempts).toBe(kept ? 1 : 2);
  });

  test.each(['', 'a'.repeat(65), 'a b', 'é'])('refuses the key %j', async (key) => {
    const { post } = appWith();
    const answer = await post('/api/v1/vectors/collections', { name: 'notes', dimension: 3 }, key);
    expect(answer.status).toBe(400);
  });
});
