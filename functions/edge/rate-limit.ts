/** What a bucket says of one request. */
export interface Admission {
  readonly admitted: boolean;
  /** Requests that could follow at once. */
  readonly remaining: number;
  /** Seconds until the bucket is full again, or, refused, until one request is admitted. */
  readonly wait_s: number;
}

/**
 * Token buckets in memory, one for each name, filled continuously. One process is the whole node here; several
 * instances that share a limit need rows instead.
 *
 * Buckets that are full again say nothing that a new one would not, so they are dropped when the map is large: the memory
 * is bounded whatever a stranger does with addresses.
 */
export function tokenBuckets({
  per_s,
  burst,
  buckets_max = 10_000,
}: {
  per_s: number;
  burst: number;
  buckets_max?: number;
}): {
  /** `now` in milliseconds. */
  take(name: string, now: number): Admission;
} {
  const buckets = new Map<string, { tokens: number; at: number }>();

  return {
    take(name, now) {
      let bucket = buckets.get(name);
      if (bucket === undefined) {
        if (buckets.size >= buckets_max) dropFull(now);
        bucket = { tokens: burst, at: now };
        buckets.set(name, bucket);
      }
      bucket.tokens = filled(bucket, now);
      bucket.at = now;
      if (bucket.tokens < 1) return { admitted: false, remaining: 0, wait_s: (1 - bucket.tokens) / per_s };
      bucket.tokens -= 1;
      return { admitted: true, remaining: Math.floor(bucket.tokens), wait_s: (burst - bucket.tokens) / per_s };
    },
  };

  function filled(bucket: { tokens: number; at: number }, now: number): number {
    return Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * per_s);
  }

  function dropFull(now: number): void {
    for (const [name, bucket] of buckets) if (filled(bucket, now) >= burst) buckets.delete(name);
    // All of them busy at once: forgetting the oldest is a gift to it, running out of memory would be one to nobody.
    const oldest = buckets.keys().next();
    if (buckets.size >= buckets_max && !oldest.done) buckets.delete(oldest.value);
  }
}
