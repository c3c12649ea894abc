import type { Now } from '../call.ts';
import type { Item, Table } from '../ports/table.ts';
import { headKey } from './keys.ts';

/** What was cosigned last of a log. */
export interface WitnessHead {
  /** Counts commits, from 1; 0 before the first. */
  readonly version: number;
  readonly size: number;
  /** Lower-case hex. */
  readonly root: string;
  /** Unix seconds of the newest cosignature; 0 before the first. */
  readonly time: number;
}

/** Of a log that was never cosigned: the tree without entries, whose root is SHA-256 of nothing. */
const nothing: WitnessHead = {
  version: 0,
  size: 0,
  root: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  time: 0,
};

export async function readHead({ table, now }: { table: Table; now: Now }, origin: string): Promise<WitnessHead> {
  const item = await table.get(headKey(origin), now());
  return item === undefined ? nothing : headOf(item);
}

/** Goes on from `before` to `next`, unless another request did since `before` was read. */
export async function commitHead(
  { table, now }: { table: Table; now: Now },
  {
    origin,
    note,
    before,
    next,
  }: { origin: string; note: string; before: WitnessHead; next: Omit<WitnessHead, 'version'> },
): Promise<boolean> {
  const item = { origin, note, version: before.version + 1, ...next };
  const condition =
    before.version === 0 ? ({ kind: 'absent' } as const) : ({ kind: 'versionIs', version: before.version } as const);
  const written = await table.write({ kind: 'put', key: headKey(origin), item, conditions: [condition] }, now());
  return written.kind === 'written';
}

function headOf({ version, size, root, time }: Item): WitnessHead {
  if (typeof version !== 'number' || typeof size !== 'number' || typeof root !== 'string' || typeof time !== 'number') {
    throw new Error('the row of a witnessed log cannot be read; restore the table from a backup');
  }
  return { version, size, root, time };
}
