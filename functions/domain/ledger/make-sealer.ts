import type { Now } from '../call.ts';
import { addToTally } from '../metrics/tally.ts';
import type { LedgerCompute, LogFile } from '../ports/ledger-compute.ts';
import { KeyRefusedError, type Keys } from '../ports/keys.ts';
import type { Objects } from '../ports/objects.ts';
import type { Operation, Table } from '../ports/table.ts';
import { indexKey } from '../receipts/keys.ts';
import { drainPending } from './drain-pending.ts';
import { logObject, stagingObject } from './keys.ts';
import { LedgerHaltedError } from './ledger-halted.ts';
import { commitLock, markDone, readLock, type LockRow } from './lock-row.ts';
import type { LogIdentity } from './log-identity.ts';
import { bundlePath, logStore } from './log-store.ts';
import { readStaged, stagedOf, writeStaged, type PendingEntry, type Staged } from './staging.ts';

export type Round =
  /** Nothing waited. */
  | { readonly kind: 'idle' }
  /** Published: `entries` more, `size` in all. */
  | { readonly kind: 'sealed'; readonly entries: number; readonly size: number }
  /** Another sealer was first; what it committed it publishes. */
  | { readonly kind: 'superseded' };

export interface Sealer {
  /**
   * One round: what an earlier one committed and did not publish, or else what waits. Storage that fails is thrown as it
   * is, and the next round goes on from there. Throws `LedgerHaltedError`.
   */
  seal(): Promise<Round>;
}

/**
 * Appends pending entries to the log. However often and wherever it dies, and however many do it at once, there is one
 * history: the conditional write of the lock row is the only commit, everything before it is invisible, and everything
 * behind it follows from the staged entries alone and is the same whoever does it.
 *
 *  1  read the lock row, and hold it against the published checkpoint; if its commit is not published, do 4 to 7 for it
 *  2  take what waits, compute the tree, put the staging object
 *  3  commit the lock row
 *  4  put tiles and bundles, which nobody ever overwrites
 *  5  sign the checkpoint
 *  6  publish it, never over a larger one
 *  7  write each entry's place into its index row and remove its pending row, together; mark the commit as published
 */
export function makeSealer({
  table,
  objects,
  ledger,
  keys,
  log,
  now,
  entries_max = 1000,
  bytes_max = 4_194_304,
}: {
  table: Table;
  objects: Objects;
  ledger: LedgerCompute;
  keys: Pick<Keys, 'signNote'>;
  log: LogIdentity;
  now: Now;
  entries_max?: number;
  bytes_max?: number;
}): Sealer {
  const rows = { table, now };
  const store = logStore({ objects, ledger, vkeys: log.vkeys });

  return {
    async seal() {
      const lock = await readLock(rows);
      await assertNotAhead(lock);
      if (lock.staged !== '') return publish(lock);
      const { pending, stale } = await drainPending(rows, { entries_max, bytes_max });
      for (const key of stale) await table.write({ kind: 'delete', key }, now());
      if (pending.length === 0) return { kind: 'idle' };
      const committed = await commit(lock, pending);
      return committed === undefined ? { kind: 'superseded' } : publish(committed.lock, committed.work);
    },
  };

  /** A checkpoint that says more than the table, or something else, was published by a history that this table forgot. */
  async function assertNotAhead({ size, root }: LockRow): Promise<void> {
    const published = await store.checkpoint();
    if (published === undefined || published.size < size) return;
    if (published.size > size) {
      throw new LedgerHaltedError(`the published log has ${published.size} entries, the table knows of ${size}`);
    }
    if (hex(published.root) !== root) {
      throw new LedgerHaltedError(`the published log of ${size} entries has another root than the table`);
    }
  }

  async function commit(
    before: LockRow,
    pending: readonly PendingEntry[],
  ): Promise<{ lock: LockRow; work: Work } | undefined> {
    const staged = stagedOf(pending);
    const grown = await grow({ from: before.size, from_root: before.root, staged });
    if (grown === undefined) return assertMoved(before, 'a tile of the published log is missing');
    const name = stagingObject(grown.size, grown.root);
    // There already: from a round that died before its commit. Size and root say that it has the same entries.
    await objects.put(name, writeStaged(staged), { ifAbsent: true });
    const next = {
      size: grown.size,
      root: grown.root,
      from: before.size,
      from_root: before.root,
      staged: name,
      counts: pending.reduce((tally, { bytes }) => addToTally(tally, bytes), before.counts),
      counts_before: before.counts,
      committed_at: now(),
    };
    const lock = await commitLock(rows, { before, next });
    if (lock !== undefined) return { lock, work: { staged, files: grown.files } };
    if ((await readLock(rows)).staged !== name) await objects.delete(name);
    return undefined;
  }

  /** @param known what was committed a moment ago; without it the staging object tells. */
  async function publish(lock: LockRow, known?: Work): Promise<Round> {
    const work = known ?? (await stagedWork(lock));
    if (work === undefined) return { kind: 'superseded' };
    const { staged, files } = work;
    for (const file of files) await store.add(file);
    await publishCheckpoint(lock);
    await writeIndex(lock, staged);
    await markDone(rows, lock);
    await tidy(lock);
    return { kind: 'sealed', entries: staged.rows.length, size: lock.size };
  }

  async function stagedWork(lock: LockRow): Promise<Work | undefined> {
    const object = await objects.get(lock.staged);
    if (object === undefined) return assertMoved(lock, 'the staged entries of the last commit are missing');
    const staged = readStaged(object.body);
    const grown = await grow({ from: lock.from, from_root: lock.from_root, staged });
    if (grown === undefined) return assertMoved(lock, 'a tile of the published log is missing');
    if (grown.size !== lock.size || grown.root !== lock.root) {
      throw new LedgerHaltedError('the staged entries do not give the root that was committed');
    }
    return { staged, files: grown.files };
  }

  /** Undefined when the edge is not there: another sealer has gone past it, or storage lost it. */
  async function grow(request: {
    from: number;
    from_root: string;
    staged: Staged;
  }): Promise<{ size: number; root: string; files: readonly LogFile[] } | undefined> {
    const { from, from_root, staged } = request;
    const edge = await ledger.edge(from);
    const [tiles, bundle] = await Promise.all([store.concatenated(edge), store.openBundle(edge)]);
    if (tiles === undefined || bundle === undefined) return undefined;
    const grown = await ledger.grow({ size: from, tiles, bundle, entries: staged.entries });
    if (!grown.ok)
      throw new LedgerHaltedError(`the tiles of the published log do not fit together (\`${grown.code}\`)`);
    if (hex(grown.old_root) !== from_root) {
      throw new LedgerHaltedError('the tiles of the published log have another root than was committed');
    }
    return { size: grown.size, root: hex(grown.root), files: grown.files };
  }

  async function publishCheckpoint({ version, size, root }: LockRow): Promise<void> {
    const text = `${log.origin}\n${size}\n${Buffer.from(root, 'hex').toString('base64')}\n`;
    const lines = await signed({ version, text });
    // Another sealer finished this commit, and went on: it has published what this one would.
    if (lines === undefined) return;
    const note = new TextEncoder().encode(`${text}\n${lines.join('')}`);
    for (let attempt = 0; attempt < publish_attempts_max; attempt += 1) {
      const published = await store.checkpoint();
      // As large or larger: another sealer is as far. It may carry cosignatures by now.
      if (published !== undefined && published.size >= size) return;
      const condition = published === undefined ? { ifAbsent: true } : { ifMatch: published.etag };
      const put = await objects.put(logObject('checkpoint'), note, condition);
      if (put.kind === 'written') return;
    }
    throw new Error('the checkpoint was overwritten time and again');
  }

  /** Undefined where a signer that looks at the lock row itself found a later commit there. */
  async function signed({ version, text }: { version: number; text: string }): Promise<readonly string[] | undefined> {
    try {
      return await Promise.all(log.signers.map(({ key_id }) => keys.signNote({ key_id, name: log.origin, text })));
    } catch (error) {
      if (error instanceof KeyRefusedError && (await readLock(rows)).version !== version) return undefined;
      throw error;
    }
  }

  /** Place and removal in one transaction: an entry is pending or has its place, and never both or neither. */
  async function writeIndex(lock: LockRow, { rows: sealed }: Staged): Promise<void> {
    const groups: Operation[][] = [];
    for (const [offset, { pk, sk, id }] of sealed.entries()) {
      if (offset % index_entries_max === 0) groups.push([]);
      groups
        .at(-1)
        ?.push(
          { kind: 'update', key: indexKey(id), set: { index: lock.from + offset }, remove: ['at', 'shard'] },
          { kind: 'delete', key: { pk, sk } },
        );
    }
    for (const group of groups) await table.transact(group, now());
  }

  /** Partial tiles of the size before: each is the beginning of one of the new size. A death before this leaves some. */
  async function tidy(lock: LockRow): Promise<void> {
    await objects.delete(lock.staged);
    const [before, after] = await Promise.all([ledger.edge(lock.from), ledger.edge(lock.size)]);
    for (const path of before.filter((old) => !after.includes(old))) {
      await objects.delete(logObject(path));
      if (path.startsWith('tile/0/')) await objects.delete(logObject(bundlePath(path)));
    }
  }

  /** What is missing was removed by a sealer that finished this commit, or it is lost. */
  async function assertMoved({ version, staged }: LockRow, reason: string): Promise<undefined> {
    const current = await readLock(rows);
    if (current.version === version && current.staged === staged) throw new LedgerHaltedError(reason);
    return undefined;
  }
}

/** What a commit appends, and the files that it brings about. */
interface Work {
  readonly staged: Staged;
  readonly files: readonly LogFile[];
}

const publish_attempts_max = 10;
/** Two operations for each entry in a transaction of 100. */
const index_entries_max = 50;

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
