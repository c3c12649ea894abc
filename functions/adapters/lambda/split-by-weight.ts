/** Consecutive groups whose weights sum to at most `weight_max`; what weighs more alone is a group alone. */
export function splitByWeight<T>(
  items: readonly T[],
  rules: { weight: (item: T) => number; weight_max: number; count_max?: number },
): T[][] {
  const { weight, weight_max, count_max = Infinity } = rules;
  const groups: T[][] = [];
  let group: T[] = [];
  let sum = 0;
  for (const item of items) {
    const more = weight(item);
    if (group.length > 0 && (sum + more > weight_max || group.length >= count_max)) {
      groups.push(group);
      [group, sum] = [[], 0];
    }
    group.push(item);
    sum += more;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

/** Calls of one request that are under way at once: more would take the function's concurrency from other requests. */
const parallel_max = 8;

/** What `work` makes of each item, in their order; the first failure ends it, and no other is begun. */
export async function mapInParallel<T, U>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<U>,
): Promise<U[]> {
  const results: U[] = [];
  const entries = items.entries();
  let is_failed = false;
  const worker = async (): Promise<void> => {
    for (const [index, item] of entries) {
      if (is_failed) return;
      results[index] = await work(item, index);
    }
  };
  const fail = (error: unknown): never => {
    is_failed = true;
    throw error;
  };
  await Promise.all(Array.from({ length: Math.min(parallel_max, items.length) }, () => worker().catch(fail)));
  return results;
}
