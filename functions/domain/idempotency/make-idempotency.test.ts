import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Database } from '../../adapters/sqlite/open-database.ts';
import { openDatabase } from '../../adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../adapters/sqlite/sqlite-table.ts';
import { isSignetError } from '../errors.ts';
import type { Table } from '../ports/table.ts';
import { makeIdempotency } from './make-idempotency.ts';

const receipt = 'a'.repeat(64);
let home = '';
let db: Database;
let table: Table;
let clock = Date.UTC(2026, 10, 24);
let tenants = 0;
let tenant = '';

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-idempotency-'));
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

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isSignetError(error)) return error.code;
    throw error;
  }
  return 'done';
}

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
