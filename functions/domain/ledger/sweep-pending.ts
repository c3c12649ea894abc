import type { Now } from '../call.ts';
import { documentRange, nodeKey } from '../identity/keys.ts';
import type { JsonObject } from '../json.ts';
import type { Table } from '../ports/table.ts';
import { pendingMilliseconds, pendingPartitions } from '../receipts/keys.ts';
import { listedLog } from './log-identity.ts';
import type { SendWake } from './wake-sealer.ts';

export type PendingSweep =
  /** Nothing waits longer than it should. */
  | { readonly kind: 'current' }
  /** Entries wait, and the node document lists no key that could seal them. */
  | { readonly kind: 'off' }
  | { readonly kind: 'woken'; readonly waits_ms: number };

/** Entries wait so long that a person should look: whoever seals does not, or cannot. */
export class LedgerBehindError extends Error {
  override readonly name = 'LedgerBehindError';
}

/**
 * Wakes the sealer when an entry has waited for more than a minute: its wake-up was lost, or the sealer died with it. Each
 * has a group of its own, since the message that a dead sealer held keeps its group closed until it is handed out again.
 * @throws {LedgerBehindError} after five minutes, the sealer woken all the same
 */
export function makeSweepPending({
  table,
  send,
  now,
  wake_after_ms = 60_000,
  behind_after_ms = 300_000,
}: {
  table: Table;
  send: SendWake;
  now: Now;
  wake_after_ms?: number;
  behind_after_ms?: number;
}): () => Promise<PendingSweep> {
  return async () => {
    const swept_at = now();
    const waits_ms = swept_at - (await oldestPending(swept_at));
    if (waits_ms <= wake_after_ms) return { kind: 'current' };
    if (!(await isSealed(swept_at))) return { kind: 'off' };
    const name = `swept-${Math.floor(swept_at / 60_000)}`;
    await send({ group: name, once: name });
    if (waits_ms > behind_after_ms) {
      throw new LedgerBehindError(`an entry waits for its place in the log for ${Math.floor(waits_ms / 1000)} s`);
    }
    return { kind: 'woken', waits_ms };
  };

  /** Unix milliseconds; `Infinity` when nothing waits. */
  async function oldestPending(at: number): Promise<number> {
    const pages = await Promise.all(pendingPartitions.map((pk) => table.query({ pk, limit: 1 }, at)));
    return Math.min(...pages.flatMap(({ rows }) => rows.map(({ sk }) => pendingMilliseconds(sk))));
  }

  /** Read in the rare case alone, and not verified: it decides who is woken, and nothing that is signed. */
  async function isSealed(at: number): Promise<boolean> {
    const node_id = (await table.get(nodeKey(), at))?.['node_id'];
    if (typeof node_id !== 'string') return false;
    const { rows } = await table.query({ ...documentRange(node_id), limit: 1, reverse: true }, at);
    const document = rows[0]?.item['document'];
    return document !== undefined && listedLog(document as JsonObject).vkeys.length > 0;
  }
}
