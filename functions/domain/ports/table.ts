import type { JsonObject } from '../json.ts';

/** Where an item lives. Both parts are built by `functions/domain/<noun>/keys.ts` and nowhere else. */
export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/**
 * A JSON object of at most `limits.table.item_bytes_max` bytes (UTF-8 of its JSON).
 * Two fields mean something to the table: `version`, read by `versionIs`, and `expires_at`, Unix **seconds**
 * (the form that DynamoDB's TTL takes): from that second on the item is absent to every read and condition.
 * An item with `expires_at` may be lost with the power; an item without one may not.
 */
export type Item = JsonObject;

/** The closed set of conditions; a list of them must hold together. A field that is missing equals nothing and is less than nothing. */
export type Condition =
  | { readonly kind: 'absent' }
  | { readonly kind: 'exists' }
  | { readonly kind: 'equals'; readonly field: string; readonly value: string | number | boolean | null }
  | { readonly kind: 'less'; readonly field: string; readonly value: number }
  | { readonly kind: 'versionIs'; readonly version: number };

export interface Put {
  readonly kind: 'put';
  readonly key: Key;
  readonly item: Item;
  readonly conditions?: readonly Condition[];
}

/** Top-level fields only. `add` adds to a number, a missing one counts as 0. On an absent item it starts from `{}`. */
export interface Update {
  readonly kind: 'update';
  readonly key: Key;
  readonly set?: JsonObject;
  readonly add?: { readonly [field: string]: number };
  readonly remove?: readonly string[];
  readonly conditions?: readonly Condition[];
}

export interface Delete {
  readonly kind: 'delete';
  readonly key: Key;
  readonly conditions?: readonly Condition[];
}

/** Writes nothing; the transaction holds only if its conditions do. */
export interface Check {
  readonly kind: 'check';
  readonly key: Key;
  readonly conditions: readonly Condition[];
}

export type Operation = Put | Update | Delete | Check;

/** Nothing was changed: `condition` of operation number `operation` did not hold, `current` is the item it met. */
export interface Refused {
  readonly kind: 'refused';
  readonly operation: number;
  readonly condition: Condition;
  readonly current: Item | undefined;
}

/** `items[i]` is what operation i left behind: the new item, or undefined after a delete or a check. */
export interface Written {
  readonly kind: 'written';
  readonly items: readonly (Item | undefined)[];
}

export interface Row {
  readonly sk: string;
  readonly item: Item;
}

export interface Query {
  readonly pk: string;
  /** Either a prefix or a range of `sk`; `from` and `to` are inclusive. Neither means the whole partition. */
  readonly prefix?: string;
  readonly from?: string;
  readonly to?: string;
  /** 1..1000 rows. */
  readonly limit: number;
  /** From the previous page; opaque. A cursor of another query is refused with `TypeError`. */
  readonly cursor?: string;
  readonly reverse?: boolean;
}

export interface Page {
  readonly rows: readonly Row[];
  /** Absent when the partition (or range) is exhausted. */
  readonly cursor?: string;
}

/**
 * Strongly consistent rows under (`pk`, `sk`), ordered by the UTF-8 bytes of `sk`.
 * `now` (Unix milliseconds) judges expiry on every read and in every condition.
 * Broken input (a key that is empty, has NUL or is over 1,024 bytes; an oversized item; over 100 operations;
 * two operations on one item) is a `TypeError`: the caller's bug. A storage that cannot answer is a `TableUnavailableError`.
 */
export interface Table {
  get(key: Key, now: number): Promise<Item | undefined>;
  query(query: Query, now: number): Promise<Page>;
  /** One operation on its own. */
  write(operation: Operation, now: number): Promise<Written | Refused>;
  /** 1..100 operations, one per item, which put and set at most 4 MiB of JSON together: all of them, or none. */
  transact(operations: readonly Operation[], now: number): Promise<Written | Refused>;
}

export class TableUnavailableError extends Error {
  override readonly name = 'TableUnavailableError';
  readonly operation: string;
  readonly retryable: boolean;

  constructor(facts: { operation: string; retryable: boolean }, options?: { cause?: unknown }) {
    super(`the table did not take \`${facts.operation}\``, options);
    this.operation = facts.operation;
    this.retryable = facts.retryable;
  }
}
