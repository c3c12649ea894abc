import type { SQLInputValue } from 'node:sqlite';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { cursorAfter, readCursor } from '../../domain/ports/query-cursor.ts';
import {
  afterPrefix,
  checkKey,
  checkOperations,
  checkQuery,
  checkTransactionBytes,
  itemText,
} from '../../domain/ports/table-rules.ts';
import type { Item, Operation, Query, Refused, Row, Table, Written } from '../../domain/ports/table.ts';
import { expiryOf } from '../../domain/ports/judge-item.ts';
import type { Database } from './open-database.ts';
import type { WireOperation } from './protocol.ts';

const select_one = 'SELECT item FROM rows WHERE pk = ? AND sk = ? AND (expires_at IS NULL OR expires_at * 1000 > ?)';

/** The Table port over the rows of one SQLite file. Reads run on the calling thread, writes on the file's writer. */
export function sqliteTable(db: Database): Table {
  async function transact(operations: readonly Operation[], now: number): Promise<Written | Refused> {
    checkOperations(operations);
    const wire = operations.map(toWire);
    checkBytes(wire);
    const reply = await db.write('transact', { now, operations: wire });
    if (reply.kind === 'refused') {
      const { operation, condition, current } = reply;
      return { kind: 'refused', operation, condition, current: parse(current) };
    }
    const items = operations.map((operation, index) =>
      operation.kind === 'put' ? operation.item : parse(reply.texts[index]),
    );
    return { kind: 'written', items };
  }

  return {
    async get(key, now) {
      checkKey(key);
      const [row] = db.read(select_one, [key.pk, key.sk, now]);
      return row === undefined ? undefined : (JSON.parse(String(row['item'])) as Item);
    },

    async query(query, now) {
      checkQuery(query);
      const { sql, values } = select(query, now);
      const rows: Row[] = db
        .read(sql, values)
        .map((row) => ({ sk: String(row['sk']), item: JSON.parse(String(row['item'])) as Item }));
      if (rows.length <= query.limit) return { rows };
      const page = rows.slice(0, query.limit);
      const last = page.at(-1);
      return last === undefined ? { rows: page } : { rows: page, cursor: cursorAfter(query, last.sk) };
    },

    write: (operation, now) => transact([operation], now),

    transact,
  };
}

/** A UTF-16 unit becomes at most three bytes: only a transaction that may be too large is counted. */
function checkBytes(operations: readonly WireOperation[]): void {
  const texts = operations.flatMap((operation) => ('text' in operation ? [operation.text] : []));
  const units = texts.reduce((sum, { length }) => sum + length, 0);
  if (units * 3 <= limits.table.transaction_bytes_max) return;
  checkTransactionBytes(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0));
}

function toWire(operation: Operation): WireOperation {
  const { key, conditions = [] } = operation;
  const common = { pk: key.pk, sk: key.sk, conditions };
  switch (operation.kind) {
    case 'put':
      return { ...common, kind: 'put', text: itemText(operation.item), expires_at: expiryOf(operation.item) };
    case 'update': {
      const { set, add, remove } = operation;
      // Only the writer knows what an update leaves of an item, unless the update itself says when it expires.
      if (set !== undefined && 'expires_at' in set) expiryOf(set);
      const keeps =
        set !== undefined && 'expires_at' in set ? false : remove?.includes('expires_at') ? true : undefined;
      return { ...common, kind: 'update', text: JSON.stringify({ set, add, remove }), keeps };
    }
    case 'delete':
      return { ...common, kind: 'delete' };
    case 'check':
      return { ...common, kind: 'check' };
    default:
      return operation satisfies never;
  }
}

function parse(text: string | undefined): Item | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as Item);
}

/** One row more than asked for tells whether there is a next page. */
function select(query: Query, now: number): { sql: string; values: SQLInputValue[] } {
  const { pk, prefix, from = prefix, to, limit, cursor, reverse = false } = query;
  const where = ['pk = ?', '(expires_at IS NULL OR expires_at * 1000 > ?)'];
  const values: SQLInputValue[] = [pk, now];
  const bound = (comparison: string, value: string | undefined) => {
    if (value === undefined) return;
    where.push(`sk ${comparison} ?`);
    values.push(value);
  };
  const after = cursor === undefined ? undefined : readCursor(query, cursor);
  // Of two bounds on one side SQLite may seek by the looser one; the cursor is never looser than `from` or `to`.
  if (after === undefined || reverse) bound('>=', from);
  if (after === undefined || !reverse) bound('<=', to);
  if (prefix !== undefined) bound('<', reverse && after !== undefined ? undefined : afterPrefix(prefix));
  bound(reverse ? '<' : '>', after);
  const sql = `SELECT sk, item FROM rows WHERE ${where.join(' AND ')} ORDER BY sk ${reverse ? 'DESC' : 'ASC'} LIMIT ?`;
  return { sql, values: [...values, limit + 1] };
}
