import type { DatabaseSync } from 'node:sqlite';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Item } from '../../domain/ports/table.ts';
import { applyUpdate, brokenCondition, expiryOf } from '../../domain/ports/judge-item.ts';
import type { UpdateText } from '../../domain/ports/judge-item.ts';
import type { Exchanges, WireOperation } from './protocol.ts';

type Transact = Exchanges['transact'];

/** The table's half of the writer. `transact` runs inside the group's transaction and changes nothing unless all of it can. */
export function rowWriter(connection: DatabaseSync): {
  transact(request: Transact['request']): Transact['reply'];
  /** Whether what these operations leave, or remove, must outlive a loss of power. Asked before the transaction begins. */
  keeps(request: Transact['request']): boolean;
  sweep(request: Exchanges['sweep']['request']): number;
} {
  const read = connection.prepare('SELECT item, expires_at FROM rows WHERE pk = ? AND sk = ?');
  const put = connection.prepare(
    `INSERT INTO rows (pk, sk, item, expires_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (pk, sk) DO UPDATE SET item = excluded.item, expires_at = excluded.expires_at`,
  );
  const remove = connection.prepare('DELETE FROM rows WHERE pk = ? AND sk = ?');
  const sweep = connection.prepare(
    `DELETE FROM rows WHERE rowid IN
       (SELECT rowid FROM rows WHERE expires_at IS NOT NULL AND expires_at <= ? ORDER BY expires_at LIMIT ?)`,
  );

  function current(operation: WireOperation, now: number): string | undefined {
    const row = read.get(operation.pk, operation.sk);
    if (row === undefined) return undefined;
    const expired = row['expires_at'] !== null && Number(row['expires_at']) * 1000 <= now;
    return expired ? undefined : String(row['item']);
  }

  function keepsRow(operation: WireOperation, now: number): boolean {
    if (operation.kind === 'check') return false;
    if (operation.kind === 'put') return operation.expires_at === null;
    if (operation.kind === 'update' && operation.keeps !== undefined) return operation.keeps;
    const text = current(operation, now);
    if (text === undefined) return operation.kind === 'update';
    return read.get(operation.pk, operation.sk)?.['expires_at'] === null;
  }

  return {
    keeps: ({ now, operations }) => operations.some((operation) => keepsRow(operation, now)),

    transact({ now, operations }) {
      const writes: (() => void)[] = [];
      const texts: (string | undefined)[] = [];
      for (const [index, operation] of operations.entries()) {
        const { pk, sk } = operation;
        const needs_current = operation.kind === 'update' || operation.conditions.length > 0;
        const text = needs_current ? current(operation, now) : undefined;
        const item = text !== undefined ? (JSON.parse(text) as Item) : undefined;
        const condition = brokenCondition(operation.conditions, item);
        if (condition !== undefined) return { kind: 'refused', operation: index, condition, current: text };
        if (operation.kind === 'put') {
          writes.push(() => put.run(pk, sk, operation.text, operation.expires_at));
        }
        if (operation.kind === 'update') {
          const next = applyUpdate(item ?? {}, JSON.parse(operation.text) as UpdateText);
          const next_text = checkedText(next);
          const expires_at = expiryOf(next);
          writes.push(() => put.run(pk, sk, next_text, expires_at));
          texts[index] = next_text;
        }
        if (operation.kind === 'delete') {
          // An expired row goes as well: a later call may judge it by an earlier `now`.
          writes.push(() => remove.run(pk, sk));
        }
      }
      // Every operation has its own item, so judging all of them first and writing afterwards is the same as in turn.
      for (const write of writes) write();
      return { kind: 'written', texts };
    },

    sweep: ({ now, limit }) => Number(sweep.run(Math.floor(now / 1000), limit).changes),
  };
}

function checkedText(item: Item): string {
  const text = JSON.stringify(item);
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.table.item_bytes_max) {
    throw new TypeError(`expected an item of at most ${limits.table.item_bytes_max} bytes, the update makes ${bytes}`);
  }
  return text;
}
