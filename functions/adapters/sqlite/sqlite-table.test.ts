import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeTable } from '../../domain/ports/table.contract.ts';
import { killWriter } from '../kill-writer.ts';
import { openDatabase } from './open-database.ts';
import { sqliteTable } from './sqlite-table.ts';

describeTable('sqlite', async () => {
  const home = await mkdtemp(join(tmpdir(), 'signet-table-'));
  const path = join(home, 'signet.db');
  let db = await openDatabase({ path });
  let table = sqliteTable(db);
  return {
    get table() {
      return table;
    },
    async crash(pk) {
      await db.close();
      const acknowledged = await killWriter(new URL('./crash.child.ts', import.meta.url), [path, 'rows', pk]);
      db = await openDatabase({ path });
      table = sqliteTable(db);
      return acknowledged;
    },
    async close() {
      await db.close();
      await rm(home, { recursive: true });
    },
  };
});
