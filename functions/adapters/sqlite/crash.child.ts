/**
 * Writes to a database until it is killed, and prints each thing once it is acknowledged: the victim of the crash tests.
 * Arguments: path of the file, `rows <pk>` or `messages <queue>`.
 */
import { writeSync } from 'node:fs';
import { openDatabase } from './open-database.ts';
import { sqliteQueue } from './sqlite-queue.ts';
import { sqliteTable } from './sqlite-table.ts';

const [path = '', what = '', name = ''] = process.argv.slice(2);
const db = await openDatabase({ path });
const table = sqliteTable(db);
const queue = sqliteQueue({ db, name, attempts_max: 5 });
const filler = 'x'.repeat(3000);
let last = 0;

async function writeOne(round: string): Promise<void> {
  if (what === 'messages') return queue.send([{ body: `${round}#a` }, { body: `${round}#b` }]);
  await table.transact(
    ['a', 'b'].map((part) => ({
      kind: 'put',
      key: { pk: name, sk: `${round}#${part}` },
      item: { round, part, filler },
    })),
    Date.now(),
  );
}

await Promise.all(
  Array.from({ length: 6 }, async () => {
    for (;;) {
      const round = String(++last).padStart(8, '0');
      await writeOne(round);
      writeSync(1, `${round}\n`);
    }
  }),
);
