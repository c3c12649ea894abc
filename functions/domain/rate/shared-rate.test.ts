import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openDatabase } from '../../adapters/sqlite/open-database.ts';
import type { Database } from '../../adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../adapters/sqlite/sqlite-table.ts';
import type { Table } from '../ports/table.ts';
import { makeSharedRate } from './shared-rate.ts';
import type { SharedRate } from './shared-rate.ts';

const start = Date.UTC(2026, 10, 24);
const key = { tenant: 'default', id: 'k1' };

let home: string;
let db: Database;
let table: Table;
let writes: number;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-rate-'));
  db = await openDatabase({ path: join(home, 'signet.db') });
  const stored = sqliteTable(db);
  writes = 0;
  table = {
    ...stored,
    write(operation, now) {
      writes += 1;
      return stored.write(operation, now);
    },
  };
});
afterEach(async () => {
  await db.close();
  await rm(home, { recursive: true });
});

const open = (over = table): SharedRate => makeSharedRate({ table: over, per_s: 50, burst: 100 });

/** As a function serves: one request after the other, each written down before the next. */
async function admittedOf(rate: SharedRate, times: number, now: number, principal = key): Promise<number> {
  let admitted = 0;
  for (let count = 0; count < times; count += 1) {
    if (rate.take(principal, now).admitted) admitted += 1;
    await rate.settled();
  }
  return admitted;
}

test('one process admits a burst in a window, then says when the next begins', async () => {
  const rate = open();
  expect(await admittedOf(rate, 150, start)).toBe(100);
  expect(rate.take(key, start + 500)).toEqual({ admitted: false, wait_s: 1.5 });
  expect(await admittedOf(rate, 150, start + 2000)).toBe(100);
  expect(writes).toBeLessThan(20);
});

test('ten processes together admit little more than one alone', async () => {
  const processes = Array.from({ length: 10 }, () => open());
  let admitted = 0;
  for (let turn = 0; turn < 50; turn += 1) {
    for (const rate of processes) admitted += await admittedOf(rate, 1, start);
  }
  expect(admitted).toBeGreaterThanOrEqual(100);
  expect(admitted).toBeLessThan(200);
});

test('keys and tenants are apart', async () => {
  const rate = open();
  await admittedOf(rate, 100, start);
  expect(rate.take(key, start).admitted).toBe(false);
  expect(rate.take({ ...key, id: 'k2' }, start).admitted).toBe(true);
  expect(rate.take({ ...key, tenant: 'acme' }, start).admitted).toBe(true);
});

test('a key that is used now and then costs no write', async () => {
  const rate = open();
  for (let window = 0; window < 20; window += 1) await admittedOf(rate, 1, start + window * 2000);
  expect(writes).toBe(0);
});

test('a table that does not answer limits nobody but by what this process counted itself', async () => {
  const failing: Table = { ...table, write: () => Promise.reject(new Error('down')) };
  expect(await admittedOf(open(failing), 150, start)).toBe(100);
});
