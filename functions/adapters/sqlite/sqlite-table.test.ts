import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { openDatabase } from './open-database.ts';
import { sqliteTable } from './sqlite-table.ts';

test('puts and gets', async () => {
  const home = await mkdtemp(join(tmpdir(), 'signet-sqlite-'));
  const db = await openDatabase({ path: join(home, 'signet.db') });
  const table = sqliteTable(db);
  expect(await table.write({ kind: 'put', key: { pk: 'a', sk: 'b' }, item: { n: 1 } }, 0)).toEqual({
    kind: 'written',
    items: [{ n: 1 }],
  });
  expect(await table.get({ pk: 'a', sk: 'b' }, 0)).toEqual({ n: 1 });
  expect(
    await table.write(
      {
        kind: 'update',
        key: { pk: 'a', sk: 'b' },
        add: { n: 2 },
        conditions: [{ kind: 'equals', field: 'n', value: 2 }],
      },
      0,
    ),
  ).toMatchObject({ kind: 'refused', operation: 0, current: { n: 1 } });
  await expect(
    table.write({ kind: 'update', key: { pk: 'a', sk: 'b' }, set: { n: 'x' }, add: { n: 2 } }, 0),
  ).rejects.toThrow(TypeError);
  await db.close();
  await rm(home, { recursive: true });
});
