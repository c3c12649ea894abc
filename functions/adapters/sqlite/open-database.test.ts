import { copyFile, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TableUnavailableError } from '../../domain/ports/table.ts';
import { DatabaseRefusedError, schema_version } from './migrate.ts';
import { openDatabase } from './open-database.ts';
import type { Database } from './open-database.ts';
import { sqliteQueue } from './sqlite-queue.ts';
import { sqliteTable } from './sqlite-table.ts';
import { sweepInBackground } from './sweep-in-background.ts';

const now = Date.UTC(2030, 0, 1);
const { signal } = new AbortController();

let home: string;
let path: string;
let open: Database[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-sqlite-'));
  path = join(home, 'signet.db');
  open = [];
});
afterEach(async () => {
  await Promise.all(open.map((db) => db.close()));
  await rm(home, { recursive: true });
});

async function openHere(more: { bytes_max?: number; busy_ms?: number } = {}): Promise<Database> {
  const db = await openDatabase({ path, ...more });
  open.push(db);
  return db;
}

function inFile<T>(use: (connection: DatabaseSync) => T): T {
  const connection = new DatabaseSync(path);
  try {
    return use(connection);
  } finally {
    connection.close();
  }
}

const putOne = (db: Database, sk = 's', item = {}) =>
  sqliteTable(db).write({ kind: 'put', key: { pk: 'p', sk }, item }, now);

describe('a file', () => {
  test('that schema 1 wrote is read, its rows, messages and dead letters', async () => {
    await copyFile(fileURLToPath(new URL('./fixtures/schema-1.db', import.meta.url)), path);
    const db = await openHere();
    const table = sqliteTable(db);
    expect((await table.query({ pk: 't#main#script#soma', limit: 10 }, now)).rows).toEqual([
      { sk: '0000000001', item: { source: 'print(6 * 7)', note: 'não 🙂' } },
      { sk: '0000000002', item: { source: 'print(42)', version: 2 } },
    ]);
    const idle = { pk: 't#main#idem#key-1', sk: 'abc' };
    expect(await table.get(idle, 1_900_000_000_000 - 1)).toEqual({ status: 200, expires_at: 1_900_000_000 });
    expect(await table.get(idle, 1_900_000_000_000)).toBeUndefined();
    const queue = sqliteQueue({ db, name: 'jobs', attempts_max: 5, now: () => now });
    const received = await queue.receive({ max: 10, visibility_ms: 1000, wait_ms: 0, signal });
    expect(received).toMatchObject([
      { body: '{"job_id":"one"}', attempt: 2 },
      { body: '{"job_id":"two"}', attempt: 1, group: 'g' },
    ]);
    expect((await queue.deadLetters({ limit: 10 })).letters).toMatchObject([
      { body: 'poison', reason: 'malformed', attempts: 1 },
    ]);
    await db.close();
    expect(inFile((file) => file.prepare('PRAGMA user_version').get())).toEqual({ user_version: schema_version });
  });

  test('of a newer release is refused and left as it is', async () => {
    await (await openHere()).close();
    inFile((file) => file.exec(`PRAGMA user_version = ${schema_version + 1}`));
    await expect(openDatabase({ path })).rejects.toThrow(DatabaseRefusedError);
    await expect(openDatabase({ path })).rejects.toThrow(
      `${path}: the file has schema ${schema_version + 1}, this release knows schemas up to ${schema_version}`,
    );
    expect(inFile((file) => file.prepare('PRAGMA user_version').get())).toEqual({ user_version: schema_version + 1 });
  });

  test('of somebody else is refused', async () => {
    inFile((file) => file.exec('CREATE TABLE mine (a)'));
    await expect(openDatabase({ path })).rejects.toThrow('is an SQLite database, but not one of Signet');
    expect(inFile((file) => file.prepare('SELECT name FROM sqlite_schema').all())).toEqual([{ name: 'mine' }]);
  });

  test('that is no database is refused; one that cannot be made is the storage at fault', async () => {
    await writeFile(path, 'x'.repeat(5000));
    await expect(openDatabase({ path })).rejects.toThrow(DatabaseRefusedError);
    await expect(openDatabase({ path })).rejects.toThrow(`${path}: the file is damaged, or no SQLite database`);
    await expect(openDatabase({ path: join(home, 'none/signet.db') })).rejects.toThrow(TableUnavailableError);
  });

  test('that lost its end is refused', async () => {
    const db = await openHere();
    for (let count = 0; count < 50; count += 1) await putOne(db, `${count}`, { text: 'x'.repeat(1000) });
    await db.close();
    for (const bytes of [10_000, 100]) {
      await truncate(path, bytes);
      await expect(openDatabase({ path })).rejects.toThrow('restore it from a backup');
    }
  });

  test('is for its owner alone, with all that lies beside it', async () => {
    const db = await openHere();
    await putOne(db);
    for (const name of await readdir(home)) expect((await stat(join(home, name))).mode & 0o777).toBe(0o600);
    expect(await readdir(home)).toContain('signet.db-wal');
  });

  test('keeps what was written over a restart', async () => {
    const db = await openHere();
    await putOne(db, 's', { n: 1 });
    await db.close();
    expect(await sqliteTable(await openHere()).get({ pk: 'p', sk: 's' }, now)).toEqual({ n: 1 });
  });
});

describe('a closed database', () => {
  test('refuses reads and writes; closing twice is fine', async () => {
    const db = await openHere();
    const last = putOne(db, 'last');
    await db.close();
    await db.close();
    expect(await last).toMatchObject({ kind: 'written' });
    await expect(sqliteTable(db).get({ pk: 'p', sk: 's' }, now)).rejects.toMatchObject({
      operation: 'read',
      retryable: false,
    });
    await expect(putOne(db)).rejects.toMatchObject({ operation: 'transact', retryable: false });
    expect(await sqliteTable(await openHere()).get({ pk: 'p', sk: 'last' }, now)).toEqual({});
  });
});

describe('storage that cannot take a write', () => {
  test('says so when it is full; what fits is still written, and reads go on', async () => {
    const db = await openHere({ bytes_max: 200_000 });
    const table = sqliteTable(db);
    await putOne(db, 'small');
    const big = putOne(db, 'big', { text: 'x'.repeat(300_000) });
    const fits = putOne(db, 'fits');
    await expect(big).rejects.toMatchObject({ name: 'TableUnavailableError', operation: 'transact', retryable: true });
    expect(await fits).toMatchObject({ kind: 'written' });
    expect((await table.query({ pk: 'p', limit: 10 }, now)).rows.map(({ sk }) => sk)).toEqual(['fits', 'small']);
  });

  test('says so when another process holds the file, and may be asked again', async () => {
    const db = await openHere({ busy_ms: 20 });
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    await expect(putOne(db)).rejects.toMatchObject({ name: 'TableUnavailableError', retryable: true });
    other.exec('ROLLBACK');
    other.close();
    expect(await putOne(db)).toMatchObject({ kind: 'written' });
  });
});

describe('sweeping', () => {
  test('removes expired rows in bites and nothing else', async () => {
    const db = await openHere();
    for (let n = 0; n < 5; n += 1) await putOne(db, `old${n}`, { expires_at: now / 1000 });
    await putOne(db, 'young', { expires_at: now / 1000 + 1 });
    await putOne(db, 'kept');
    expect(await db.sweepExpired(now, 3)).toBe(3);
    expect(await db.sweepExpired(now, 3)).toBe(2);
    expect(await db.sweepExpired(now, 3)).toBe(0);
    expect(inFile((file) => file.prepare('SELECT sk FROM rows ORDER BY sk').all())).toEqual([
      { sk: 'kept' },
      { sk: 'young' },
    ]);
  });

  test('in the background leaves a minute for requests with an older clock, and stops', async () => {
    const db = await openHere();
    await putOne(db, 'old', { expires_at: now / 1000 - 60 });
    await putOne(db, 'recent', { expires_at: now / 1000 - 59 });
    const errors: unknown[] = [];
    const sweeping = sweepInBackground({
      db,
      now: () => now,
      every_ms: 1,
      onError: (error) => void errors.push(error),
    });
    const left = () => db.read('SELECT sk FROM rows', []);
    while (left().length > 1) await new Promise((resolve) => setTimeout(resolve, 2));
    await sweeping.stop();
    expect(left()).toEqual([{ sk: 'recent' }]);
    expect(errors).toEqual([]);
  });
});

test('a group of writes that share one commit fails singly', async () => {
  const db = await openHere();
  const table = sqliteTable(db);
  await putOne(db, 'text', { n: 'x' });
  const writes = Array.from({ length: 100 }, (_, n) =>
    n % 3 === 0
      ? table.write({ kind: 'update', key: { pk: 'p', sk: 'text' }, add: { n: 1 } }, now)
      : putOne(db, `sk${n}`, { n }),
  );
  const results = await Promise.allSettled(writes);
  expect(results.map(({ status }) => status)).toEqual(results.map((_, n) => (n % 3 === 0 ? 'rejected' : 'fulfilled')));
  expect((await table.query({ pk: 'p', prefix: 'sk', limit: 1000 }, now)).rows).toHaveLength(66);
});
