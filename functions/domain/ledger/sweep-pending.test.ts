import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openDatabase, type Database } from '../../adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../adapters/sqlite/sqlite-table.ts';
import { documentKey, nodeKey } from '../identity/keys.ts';
import type { Table } from '../ports/table.ts';
import { pendingKey } from '../receipts/keys.ts';
import { LedgerBehindError, makeSweepPending } from './sweep-pending.ts';

const now = 1_800_000_000_000;
let folder: string;
let db: Database;
let table: Table;
let sent: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-sweep-pending-'));
  db = await openDatabase({ path: join(folder, 'signet.db') });
  table = sqliteTable(db);
  sent = [];
});
afterEach(async () => {
  await db.close();
  await rm(folder, { recursive: true });
});

const sweep = () =>
  makeSweepPending({ table, send: async ({ group, once }) => void sent.push(`${group} ${once}`), now: () => now })();

async function put(key: { pk: string; sk: string }, item: Record<string, string | object>): Promise<void> {
  await table.write({ kind: 'put', key, item: JSON.parse(JSON.stringify(item)) as Record<string, string> }, now);
}

async function nodeWithLog(vkeys: readonly string[]): Promise<void> {
  const node_id = 'did:key:z6MkNode';
  await put(nodeKey(), { node_id });
  await put(documentKey(node_id, 0), { document: { id: node_id, log: { origin: 'o', vkeys: [] } } });
  await put(documentKey(node_id, 1), { document: { id: node_id, log: { origin: 'o', vkeys } } });
}

const waiting = (age_ms: number, shard = 5) => put(pendingKey(now - age_ms, 'ab'.repeat(32), shard), { entry: 'e' });

test('with nothing that waits, or for a minute at most, nobody is woken', async () => {
  await nodeWithLog(['o+1+a']);
  expect(await sweep()).toEqual({ kind: 'current' });
  await waiting(60_000);
  expect(await sweep()).toEqual({ kind: 'current' });
  expect(sent).toEqual([]);
});

test('an entry of any shard that waits for longer wakes the sealer, once a minute, in a group of its own', async () => {
  await nodeWithLog(['o+1+a']);
  await waiting(1);
  await waiting(60_001, 7);
  expect(await sweep()).toEqual({ kind: 'woken', waits_ms: 60_001 });
  expect(sent).toEqual(['swept-30000000 swept-30000000']);
});

test('after five minutes it is an error, and the sealer is woken all the same', async () => {
  await nodeWithLog(['o+1+a']);
  await waiting(300_001, 0);
  await expect(sweep()).rejects.toThrow(LedgerBehindError);
  expect(sent).toHaveLength(1);
});

test('a node whose newest document lists no key of the log seals nothing, and is not behind', async () => {
  await waiting(300_001);
  expect(await sweep()).toEqual({ kind: 'off' });
  await nodeWithLog([]);
  expect(await sweep()).toEqual({ kind: 'off' });
  expect(sent).toEqual([]);
});
