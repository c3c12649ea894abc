import type { Key } from '../ports/table.ts';

/** The one row that says what the log is: its size and root, and what was committed and not yet published. */
export function lockKey(): Key {
  return { pk: 'ledger#lock', sk: '-' };
}

/** Objects of the log lie as its paths say: `checkpoint`, `tile/…`. */
export function logObject(path: string): string {
  return `log/${path}`;
}

/** What a round will have appended when the log has `size` entries and this root (hex). */
export function stagingObject(size: number, root: string): string {
  return `staging/${size}-${root}`;
}
