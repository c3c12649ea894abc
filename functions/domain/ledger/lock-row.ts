import type { Now } from '../call.ts';
import type { Tally } from '../metrics/tally.ts';
import type { Item, Table } from '../ports/table.ts';
import { lockKey } from './keys.ts';

/** The log as it was committed last. */
export interface LockRow {
  /** Counts commits, from 1; 0 while there is no row. */
  readonly version: number;
  /** Entries. */
  readonly size: number;
  /** Lower-case hex. */
  readonly root: string;
  /** Size and root before the last commit. */
  readonly from: number;
  readonly from_root: string;
  /** The object with what the last commit appended; empty when all of it is published. */
  readonly staged: string;
  /** What the committed entries say together. */
  readonly counts: Tally;
  /** The same before the last commit. */
  readonly counts_before: Tally;
  /** Unix milliseconds of the last commit; 0 before the first. */
  readonly committed_at: number;
}

/** SHA-256 of nothing. */
const emptyRoot = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

const nothingCommitted: LockRow = {
  version: 0,
  size: 0,
  root: emptyRoot,
  from: 0,
  from_root: emptyRoot,
  staged: '',
  counts: {},
  counts_before: {},
  committed_at: 0,
};

export async function readLock({ table, now }: { table: Table; now: Now }): Promise<LockRow> {
  return lockOf(await table.get(lockKey(), now()));
}

/** Commits `next` unless another did since `before` was read. */
export async function commitLock(
  { table, now }: { table: Table; now: Now },
  { before, next }: { before: LockRow; next: Omit<LockRow, 'version'> },
): Promise<LockRow | undefined> {
  const lock = { ...next, version: before.version + 1 };
  const written = await table.write(
    {
      kind: 'put',
      key: lockKey(),
      item: { ...lock },
      conditions: [before.version === 0 ? { kind: 'absent' } : { kind: 'versionIs', version: before.version }],
    },
    now(),
  );
  return written.kind === 'written' ? lock : undefined;
}

/** Says that all of this commit is published; a later commit stays as it is. */
export async function markDone({ table, now }: { table: Table; now: Now }, { version }: LockRow): Promise<void> {
  const conditions = [{ kind: 'versionIs', version } as const];
  await table.write({ kind: 'update', key: lockKey(), set: { staged: '' }, conditions }, now());
}

function lockOf(item: Item | undefined): LockRow {
  if (item === undefined) return nothingCommitted;
  const { version, size, root, from, from_root, staged, counts, counts_before, committed_at } = item;
  if (typeof version !== 'number' || typeof size !== 'number' || typeof root !== 'string') throw broken();
  if (typeof from_root !== 'string') throw broken();
  if (typeof from !== 'number' || typeof staged !== 'string' || typeof committed_at !== 'number') throw broken();
  const tallies = { counts: counts as Tally, counts_before: counts_before as Tally };
  return { version, size, root, from, from_root, staged, committed_at, ...tallies };
}

function broken(): Error {
  return new Error('the row of the log cannot be read; restore the table from a backup');
}
