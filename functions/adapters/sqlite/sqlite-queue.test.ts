import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { describeQueue } from '../../domain/ports/queue.contract.ts';
import { killWriter } from '../kill-writer.ts';
import { openDatabase } from './open-database.ts';
import { sqliteQueue } from './sqlite-queue.ts';

describeQueue('sqlite', async () => {
  const home = await mkdtemp(join(tmpdir(), 'signet-queue-'));
  const path = join(home, 'signet.db');
  let now = Date.now();
  let db = await openDatabase({ path });
  const openQueue = () => sqliteQueue({ db, name: 'q', attempts_max: 3, now: () => now });
  let queue = openQueue();
  return {
    get queue() {
      return queue;
    },
    other: openQueue(),
    async pass(ms) {
      now += ms;
    },
    async crash() {
      await db.close();
      const acknowledged = await killWriter(new URL('./crash.child.ts', import.meta.url), [path, 'messages', 'q']);
      db = await openDatabase({ path });
      now = Date.now();
      queue = openQueue();
      return acknowledged;
    },
    async close() {
      await db.close();
      await rm(home, { recursive: true });
    },
  };
});

test('queues of one file do not see each other', async () => {
  const home = await mkdtemp(join(tmpdir(), 'signet-queue-'));
  const db = await openDatabase({ path: join(home, 'signet.db') });
  const { signal } = new AbortController();
  const [a, b] = ['a', 'b'].map((name) => sqliteQueue({ db, name, attempts_max: 3 }));
  await a?.send([{ body: 'for a', group: 'g' }]);
  await b?.send([{ body: 'for b', group: 'g' }]);
  const request = { max: 10, visibility_ms: 1000, wait_ms: 0, signal };
  const [of_a] = (await a?.receive(request)) ?? [];
  expect(of_a?.body).toBe('for a');
  expect(await b?.complete(of_a?.handle ?? '')).toBe('stale');
  expect(await b?.receive(request)).toMatchObject([{ body: 'for b' }]);
  await db.close();
  await rm(home, { recursive: true });
});

test('a waiting consumer is refused, not stuck, when the database closes', async () => {
  const home = await mkdtemp(join(tmpdir(), 'signet-queue-'));
  const db = await openDatabase({ path: join(home, 'signet.db') });
  const queue = sqliteQueue({ db, name: 'a', attempts_max: 3 });
  const { signal } = new AbortController();
  const waiting = queue.receive({ max: 1, visibility_ms: 1000, wait_ms: 20_000, signal });
  const refused = expect(waiting).rejects.toThrow('the table did not take `read`');
  await db.close();
  await refused;
  await rm(home, { recursive: true });
});
