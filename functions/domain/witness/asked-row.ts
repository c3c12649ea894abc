import type { Now } from '../call.ts';
import type { Item, Table } from '../ports/table.ts';
import { askedKey } from './keys.ts';

/** How far a witness has come with our log. */
export interface AskedRow {
  /** What it cosigned last, as far as we know; the next request's `old`. */
  readonly size: number;
  /** Unix seconds, by our clock, at which its newest cosignature came; 0 before the first. */
  readonly last_cosigned: number;
  /** Requests in a row that brought none. */
  readonly failures: number;
  /** Unix milliseconds; before, it is left alone. */
  readonly next_at: number;
}

export const neverAsked: AskedRow = { size: 0, last_cosigned: 0, failures: 0, next_at: 0 };

export async function readAsked({ table, now }: { table: Table; now: Now }, vkey: string): Promise<AskedRow> {
  const item = await table.get(askedKey(vkey), now());
  return item === undefined ? neverAsked : askedOf(item);
}

/** Without a condition: what is written is a memory of answers, and the witness's own record decides. */
export async function writeAsked(
  { table, now }: { table: Table; now: Now },
  vkey: string,
  row: AskedRow,
): Promise<void> {
  await table.write({ kind: 'put', key: askedKey(vkey), item: { vkey, ...row } }, now());
}

/** A row that cannot be read is forgotten: the witness says by 409 where it is. */
function askedOf(item: Item): AskedRow {
  const number = (name: keyof AskedRow): number => (typeof item[name] === 'number' ? item[name] : neverAsked[name]);
  return {
    size: number('size'),
    last_cosigned: number('last_cosigned'),
    failures: number('failures'),
    next_at: number('next_at'),
  };
}
