import type { WireFailure } from './protocol.ts';

/** SQLite's primary result codes that may be over by the next attempt. */
const retryable = new Set([5 /* BUSY */, 6 /* LOCKED */, 7 /* NOMEM */, 13 /* FULL */]);

/** A `TypeError` is the caller's bug; all else is the storage's. */
export function describeFailure(cause: unknown): WireFailure {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof TypeError && !isSqliteError(cause)) return { kind: 'input', message, retryable: false };
  return { kind: 'storage', message, retryable: isSqliteError(cause) && retryable.has(cause.errcode & 0xff) };
}

/** NOTADB and CORRUPT: the file itself is at fault, and no later attempt will find it better. */
export function isDamage(cause: unknown): boolean {
  return isSqliteError(cause) && [11, 26].includes(cause.errcode & 0xff);
}

/** By shape: an error of Node's own may come from another realm than this module's `Error`. */
function isSqliteError(cause: unknown): cause is { errcode: number } {
  return typeof cause === 'object' && cause !== null && 'errcode' in cause && typeof cause.errcode === 'number';
}
