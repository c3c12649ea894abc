import type { ByteRange, PutOptions } from './objects.ts';

const key_bytes_max = 1024;
/** A file system takes names of up to 255 bytes; the rest is the adapter's own. */
const segment_bytes_max = 200;

/** What every adapter of `Objects` refuses before it touches its storage: each throws `TypeError`, the caller's bug. */
export function checkObjectKey(key: string): void {
  const fault = faultOf(key);
  if (fault !== undefined) throw new TypeError(`expected an object key, got one that ${fault}`);
}

export function checkRange({ from, to }: ByteRange): void {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 0 || to < from) {
    throw new TypeError(`expected a range of whole numbers with 0 <= from <= to, got ${from}..${to}`);
  }
}

export function checkPutOptions({ ifAbsent = false, ifMatch }: PutOptions): void {
  if (ifAbsent && ifMatch !== undefined) throw new TypeError('expected either `ifAbsent` or `ifMatch`, got both');
}

export function checkListing({ prefix, limit }: { prefix: string; limit: number }): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new TypeError(`expected \`limit\` from 1 to 1000, got ${limit}`);
  }
  if (prefix === '') return;
  // A prefix may end anywhere, also behind a slash or within `..x`: it, or it and one more character, must be a key.
  const fault = faultOf(prefix) === undefined ? undefined : faultOf(`${prefix}x`);
  if (fault !== undefined) throw new TypeError(`expected a prefix of object keys, got one that ${fault}`);
}

function faultOf(key: string): string | undefined {
  if (typeof key !== 'string' || key === '') return 'is empty';
  if (key.includes('\0')) return 'has NUL';
  if (key.includes('\\')) return 'has a backslash';
  if (!key.isWellFormed()) return 'has a lone surrogate';
  if (Buffer.byteLength(key) > key_bytes_max) return `has more than ${key_bytes_max} bytes`;
  if (key.startsWith('/')) return 'is absolute';
  for (const segment of key.split('/')) {
    if (segment === '') return 'has an empty segment';
    if (segment === '.' || segment === '..') return `has the segment \`${segment}\``;
    if (Buffer.byteLength(segment) > segment_bytes_max) return `has a segment of more than ${segment_bytes_max} bytes`;
  }
  return undefined;
}
