import { BoundedMap } from '../bounded-map.ts';
import type { Jobs, JobStep } from '../jobs/jobs.ts';
import { collectGarbage } from './collect-garbage.ts';
import type { Collections } from './collections.ts';
import { compactNamespace, type CompactionParts } from './compact-namespace.ts';
import type { Head } from './head.ts';
import type { Namespace, Namespaces } from './namespaces.ts';

export interface Compactions {
  /** After a write: has the rows compacted in an hour, or now where many wait. */
  written(namespace: Namespace, head: Head): Promise<void>;
  /** Has the rows compacted now; `held` where that is under way already, `nothing` where no row waits. */
  begin(namespace: Namespace): Promise<'acquired' | 'held' | 'nothing'>;
  readonly step: JobStep;
}

export const compaction_kind = 'compact-vectors';

/** What a process remembers of namespaces that it wrote to; forgetting costs a transaction that changes nothing. */
const remembered_max = 10_000;

/** Compaction as a job: one for each generation of a namespace that has rows outside of segments. */
export function makeCompactions(
  parts: CompactionParts & { jobs: Jobs; collections: Collections; namespaces: Namespaces },
): Compactions {
  const { table, jobs, now, collections, namespaces, rules } = parts;
  const isDue = (head: Head): boolean => waiting(head) >= rules.delta_rows || head.delta_bytes >= rules.delta_bytes;
  const asked = new BoundedMap<string, { hastened_at: number }>(remembered_max);

  async function ensureJob({ tenant, name, collection }: Namespace, { generation }: Head): Promise<string> {
    const id = jobId(collection.id, name, generation);
    if (asked.has(id)) return id;
    const next_at = now() + rules.delta_ms;
    const creation = jobs.creation({
      id,
      kind: compaction_kind,
      tenant,
      principal: 'node',
      payload: { collection: collection.name, collection_id: collection.id, namespace: name },
      next_at,
      deadline_at: next_at + rules.job_ms,
      depth: 0,
    });
    // Refused where somebody made it before.
    await table.transact(creation, now());
    asked.set(id, { hastened_at: 0 });
    return id;
  }

  return {
    async written(namespace, head) {
      const id = await ensureJob(namespace, head);
      const { hastened_at } = asked.get(id) ?? { hastened_at: 0 };
      if (!isDue(head) || now() - hastened_at < rules.hasten_again_ms) return;
      asked.set(id, { hastened_at: now() });
      await jobs.hasten(id, now());
    },

    async begin(namespace) {
      const head = await headOf(namespace);
      if (head === undefined || waiting(head) === 0) return 'nothing';
      const id = await ensureJob(namespace, head);
      if ((await jobs.get(id))?.state === 'leased') return 'held';
      await jobs.hasten(id, now());
      return 'acquired';
    },

    async step({ job, signal }) {
      const { tenant } = job;
      const { collection: name, collection_id, namespace } = job.payload as { [field: string]: string };
      const collection = await collections.find(tenant, name ?? '');
      if (collection === undefined || collection.id !== collection_id || namespace === undefined)
        return { kind: 'done' };
      const space = namespaces.open(tenant, collection, namespace);
      let takesDelta = true;
      for (;;) {
        signal.throwIfAborted();
        const result = await compactNamespace(parts, space, { takesDelta });
        // Whoever was faster is at it now.
        if (result === 'overtaken') return { kind: 'retry', delay_ms: overtaken_ms, reason: result };
        if (result === 'nothing' && !takesDelta) break;
        // Rows that came in meanwhile wait for their own hour, or go into the next one at once where they are many.
        const head = await headOf(space);
        takesDelta = head !== undefined && isDue(head);
      }
      await collectGarbage(parts, space);
      const head = await headOf(space);
      if (head !== undefined && waiting(head) > 0) await ensureJob(space, head);
      return { kind: 'done' };
    },
  };
}

/** Before a job looks again at a namespace that somebody else compacts. */
const overtaken_ms = 1_000;

function jobId(collection_id: string, namespace: string, generation: number): string {
  return `compact-${collection_id}-${namespace}-${generation}`;
}

/** As it is now; undefined where nothing was ever written. */
async function headOf(namespace: Namespace): Promise<Head | undefined> {
  const followed = await namespace.follow();
  followed?.release();
  return followed?.head;
}

function waiting({ seq, compacted_seq }: Head): number {
  return seq - compacted_seq;
}
