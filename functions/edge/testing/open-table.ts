import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../adapters/sqlite/sqlite-table.ts';
import type { Table } from '../../domain/ports/table.ts';

/** The embedded table in a folder of its own: the only test double of storage there is. */
export async function openTable(): Promise<{ table: Table; close(): Promise<void> }> {
  const home = await mkdtemp(join(tmpdir(), 'signet-edge-'));
  const db = await openDatabase({ path: join(home, 'signet.db') });
  return {
    table: sqliteTable(db),
    async close() {
      await db.close();
      await rm(home, { recursive: true });
    },
  };
}
