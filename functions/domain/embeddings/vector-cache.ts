import { createHash } from 'node:crypto';
import type { Now } from '../call.ts';

export interface CachedVector {
  readonly vector: Float32Array;
  readonly tokens: number;
  readonly is_truncated: boolean;
}

/** Vectors of texts seen lately. Texts are not kept: a key is the SHA-256 of all its parts, the tenant first. */
export interface VectorCache {
  /** A copy: what the caller does to it is not seen by the next. */
  get(key: readonly string[]): CachedVector | undefined;
  set(key: readonly string[], value: CachedVector): void;
}

const hour_ms = 3_600_000;

/** The least recently used leaves first when `entries_max` or `bytes_max` is passed; none is older than `age_ms_max`. */
export function vectorCache({
  now,
  entries_max = 10_000,
  bytes_max = 64 * 1024 ** 2,
  age_ms_max = hour_ms,
}: {
  now: Now;
  entries_max?: number;
  bytes_max?: number;
  age_ms_max?: number;
}): VectorCache {
  // A Map keeps the order of insertion; putting an entry in again on each use makes that the order of use.
  const entries = new Map<string, { readonly value: CachedVector; readonly stored_at: number }>();
  let bytes = 0;

  const drop = (name: string): void => {
    const entry = entries.get(name);
    if (entry === undefined) return;
    entries.delete(name);
    bytes -= sizeOf(entry.value);
  };

  return {
    get(key) {
      const name = nameOf(key);
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      if (now() - entry.stored_at > age_ms_max) {
        drop(name);
        return undefined;
      }
      entries.delete(name);
      entries.set(name, entry);
      return copyOf(entry.value);
    },
    set(key, value) {
      const name = nameOf(key);
      drop(name);
      entries.set(name, { value: copyOf(value), stored_at: now() });
      bytes += sizeOf(value);
      for (const oldest of entries.keys()) {
        if (entries.size <= entries_max && bytes <= bytes_max) break;
        drop(oldest);
      }
    },
  };
}

/** Parts are length-prefixed, so that no two lists of parts run together to the same bytes. */
function nameOf(key: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of key) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('base64');
}

function copyOf(value: CachedVector): CachedVector {
  return { ...value, vector: value.vector.slice() };
}

/** The vector, plus what key, object and Map entry cost about. */
function sizeOf({ vector }: CachedVector): number {
  return vector.byteLength + 256;
}
