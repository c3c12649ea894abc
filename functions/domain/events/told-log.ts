import type { Now } from '../call.ts';
import { nodeTenant } from '../content/keys.ts';
import type { Log, LogHead } from '../ledger/log.ts';
import type { VerifyCompute } from '../ports/compute.ts';
import type { Table } from '../ports/table.ts';
import { indexKey } from '../receipts/keys.ts';
import { readEntry } from '../receipts/read-entry.ts';
import { eventsOf, type EntryEvent } from './event-of.ts';

/** A sealed entry as followers hear of it. */
export interface ToldEntry {
  /** Its index in the log. */
  readonly seq: number;
  /** Empty where the entry tells nobody anything; then the rest is absent. */
  readonly events: readonly EntryEvent[];
  readonly receipt_id?: string;
  /** Whose it is. */
  readonly tenant?: string;
}

/** The log, read for those who follow it. */
export interface ToldLog {
  head(): Promise<LogHead>;
  /** Entries from `from` on and before `to`, at least one where one is published; as many as one reading gives. */
  read(from: number, to: number): Promise<readonly ToldEntry[]>;
  /** The first entry below `size` that is still told: none is after a week. */
  oldest(size: number): Promise<number>;
}

export type ReadableLog = Pick<Log, 'head' | 'entry' | 'entries'>;

export function makeToldLog({
  log,
  verify,
  table,
  now,
}: {
  log: ReadableLog;
  verify: Pick<VerifyCompute, 'readEnvelopes'>;
  table: Table;
  now: Now;
}): ToldLog {
  return {
    head: () => log.head(),

    async read(from, to) {
      if (from >= to) return [];
      const entries = (await log.entries(from)).slice(0, to - from);
      const told = entries.map((entry) => eventsOf(entry));
      const telling = entries.filter((_, place) => (told[place]?.length ?? 0) > 0);
      const ids = telling.length === 0 ? [] : await idsOf(telling);
      const owners = await Promise.all(ids.map(ownerOf));
      let next = 0;
      return told.map((events, place): ToldEntry => {
        const seq = from + place;
        if (events.length === 0) return { seq, events };
        const [receipt_id, tenant] = [ids[next], owners[next]];
        next += 1;
        return receipt_id === undefined || tenant === undefined
          ? { seq, events: [] }
          : { seq, events, receipt_id, tenant };
      });
    },

    /** Entries stand in the order of their seconds, or nearly so. */
    async oldest(size) {
      const horizon_s = Math.floor((now() - told_ms) / 1000);
      let [low, high] = [0, size];
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        const entry = await log.entry(middle);
        const iat = entry === undefined ? undefined : readEntry(entry)?.predicate['iat'];
        if (typeof iat === 'number' && iat < horizon_s) low = middle + 1;
        else high = middle;
      }
      return low;
    },
  };

  async function idsOf(entries: readonly Uint8Array[]): Promise<readonly string[]> {
    return (await verify.readEnvelopes(entries)).map((read) => {
      if (!read.ok) throw new Error('an entry of the log is no envelope');
      return read.id;
    });
  }

  /** By the row that was written with the entry: not every statement names a tenant. */
  async function ownerOf(id: string): Promise<string | undefined> {
    const tenant = (await table.get(indexKey(id), now()))?.['tenant'];
    return typeof tenant === 'string' ? tenant : undefined;
  }
}

/** A caller hears of its own tenant and of the node itself, of nobody else. */
export function isToldTo(entry: ToldEntry, tenant: string): boolean {
  return entry.tenant === tenant || entry.tenant === nodeTenant;
}

const told_ms = 7 * 86_400_000;
