import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { afterPrefix } from '../../domain/ports/table-rules.ts';
import { describeTableTwin } from '../../domain/ports/table-twin.contract.ts';
import { openDatabase } from './open-database.ts';
import { sqliteTable } from './sqlite-table.ts';

describeTableTwin(
  'a table of rows in SQLite',
  async () => {
    const home = await mkdtemp(join(tmpdir(), 'signet-property-'));
    const db = await openDatabase({ path: join(home, 'signet.db') });
    return {
      table: sqliteTable(db),
      async close() {
        await db.close();
        await rm(home, { recursive: true });
      },
    };
  },
  300,
);

test('the bound after a prefix parts what starts with it from what follows', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', '\ud7ff', '\ue000', '\u{10ffff}', '\u{10000}', '\x01'),
    maxLength: 4,
  });
  fc.assert(
    fc.property(text, text, (prefix, other) => {
      const bound = afterPrefix(prefix);
      const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
      const is_between = order(other, prefix) >= 0 && (bound === undefined || order(other, bound) < 0);
      expect(is_between).toBe(other.startsWith(prefix));
    }),
    { numRuns: 2000 },
  );
});
