import { testCall, type TestNode } from '../../../../tests/fixtures/open-test-node.ts';
import { makeJobs } from '../../jobs/make-jobs.ts';
import type { Job, JobStep } from '../../jobs/jobs.ts';
import { compaction_kind } from '../compactions.ts';
import { collectionKey } from '../keys.ts';
import { segmentBytes } from '../find-segment.ts';
import { makeVectors, type VectorsFacts } from '../make-vectors.ts';
import type { Place, Vectors } from '../vectors.ts';

export interface OpenedVectors extends Vectors {
  /** Asks for a compaction and works off the job that it becomes; how the job ended. */
  compactNow(place: Place): Promise<string>;
  /** Works off whatever jobs were woken; how the last one ended. */
  advanceWoken(): Promise<string>;
  /** Compacts beside whoever holds the job. */
  compactBeside(place: Place): Promise<void>;
}

/** Collections over a test node, as one process of several: each has its own view of the rows. */
export function openVectors(node: TestNode, more: Partial<VectorsFacts> = {}): OpenedVectors {
  const { compute, judge, newId, random } = node;
  const { table = node.table, objects = node.objects, now = node.now } = more;
  const steps = new Map<string, JobStep>();
  const woken: string[] = [];
  const queue = {
    async send(messages: readonly { body: string }[]) {
      woken.push(...messages.map(({ body }) => (JSON.parse(body) as { job_id: string }).job_id));
    },
  };
  // Nobody works jobs off here but a test that means it.
  const jobs = makeJobs({ table: node.table, queue, now, newId, random: () => 0, steps });
  const vectors = makeVectors({
    table,
    objects,
    segments: () => compute.segments,
    findSegment: segmentBytes(objects),
    digest: compute.digest,
    embeddings: {
      vectorsOf: async () => {
        throw new Error('no text in this test');
      },
    },
    judge,
    jobs,
    now,
    newId,
    random,
    ...more,
  });
  for (const [kind, step] of vectors.steps) steps.set(kind, step);
  async function advanceWoken(): Promise<string> {
    let end = 'nothing';
    for (const id of new Set(woken.splice(0))) end = await jobs.advance(id, new AbortController().signal);
    return end;
  }

  return {
    ...vectors,
    async compactNow(place) {
      await vectors.compact(testCall(), place);
      return advanceWoken();
    },
    advanceWoken,
    async compactBeside({ collection, namespace }) {
      const item = await node.table.get(collectionKey('default', collection), now());
      const payload = { collection, collection_id: item?.['id'] as string, namespace };
      const job = { tenant: 'default', payload } as unknown as Job;
      await vectors.steps.get(compaction_kind)?.({ job, signal: new AbortController().signal });
    },
  };
}
