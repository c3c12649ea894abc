import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Call, Now } from '../call.ts';
import { decodeFloats, encodeFloats } from '../float-base64.ts';
import type { JsonObject } from '../json.ts';
import type { Jobs, JobStep } from '../jobs/jobs.ts';
import type { ViewQuery } from '../ports/segment-compute.ts';
import type { Table } from '../ports/table.ts';
import type { Collections } from './collections.ts';
import { recallKey } from './keys.ts';
import type { Namespace, Namespaces } from './namespaces.ts';

export interface MeasuredRecall {
  /** Queries that were asked again, the last 1,000 at most. */
  readonly n: number;
  /** Share of the true k best that was answered, 0 to 1. */
  readonly mean: number;
  /** Of a twentieth of them it was no better. */
  readonly p5: number;
}

export interface RecallMeter {
  /** Has a share of the queries that need not be exact asked again exactly, behind the answer. */
  sample(call: Call, namespace: Namespace, query: ViewQuery): Promise<void>;
  read(namespace: Namespace): Promise<MeasuredRecall | undefined>;
  readonly step: JobStep;
}

export const recall_kind = 'measure-recall';

const { kept_max, k_max, job_ms } = limits.vectors.recall;
const per_mille = 1000;

export function makeRecallMeter({
  table,
  jobs,
  collections,
  namespaces,
  now,
}: {
  table: Table;
  jobs: Jobs;
  collections: Collections;
  namespaces: Namespaces;
  now: Now;
}): RecallMeter {
  async function add({ pk }: Namespace, recall: number): Promise<void> {
    for (;;) {
      const item = await table.get(recallKey(pk), now());
      const version = item === undefined ? 0 : Number(item['version']);
      const before = item === undefined ? [] : (item['per_mille'] as readonly number[]);
      const kept = [...before, Math.round(recall * per_mille)].slice(-kept_max);
      const written = await table.write(
        {
          kind: 'put',
          key: recallKey(pk),
          item: { version: version + 1, per_mille: kept },
          conditions: [version === 0 ? { kind: 'absent' } : { kind: 'versionIs', version }],
        },
        now(),
      );
      if (written.kind === 'written') return;
    }
  }

  return {
    async sample({ request_id, principal }, { name, tenant, collection }, { mode, values, k, filter, exact }) {
      if (exact === true || mode !== 'dense' || values === undefined || k > k_max || collection.rows === 'none') return;
      if (shareOf(request_id) >= collection.recall_sample) return;
      const id = `recall-${request_id}`;
      const creation = jobs.creation({
        id,
        kind: recall_kind,
        tenant,
        principal: principal.id,
        payload: {
          collection: collection.name,
          collection_id: collection.id,
          namespace: name,
          values: encodeFloats(values),
          k,
          ...(filter === undefined ? {} : { filter }),
        },
        next_at: now(),
        deadline_at: now() + job_ms,
        depth: 0,
      });
      const written = await table.transact(creation, now());
      if (written.kind === 'written') await jobs.wake(id);
    },

    async read({ pk }) {
      const item = await table.get(recallKey(pk), now());
      if (item === undefined) return undefined;
      const measured = (item['per_mille'] as readonly number[]).toSorted((a, b) => a - b);
      const sum = measured.reduce((of, one) => of + one, 0);
      return {
        n: measured.length,
        mean: sum / measured.length / per_mille,
        p5: (measured[Math.floor(measured.length / 20)] ?? 0) / per_mille,
      };
    },

    async step({ job }) {
      const payload = job.payload as JsonObject & {
        collection: string;
        collection_id: string;
        namespace: string;
        values: string;
        k: number;
      };
      const collection = await collections.find(job.tenant, payload.collection);
      if (collection === undefined || collection.id !== payload.collection_id) return { kind: 'done' };
      const namespace = namespaces.open(job.tenant, collection, payload.namespace);
      const followed = await namespace.follow();
      if (followed === undefined) return { kind: 'done' };
      try {
        const filter = payload['filter'] as JsonObject | undefined;
        const values = decodeFloats(payload.values, collection.dimension);
        const query = { mode: 'dense', values, k: payload.k, ...(filter === undefined ? {} : { filter }) } as const;
        const given = await followed.compute.search(followed.view, query);
        const best = await followed.compute.search(followed.view, { ...query, exact: true });
        // A write came between the two: they are no answers to one question.
        if (given.seq !== best.seq) return { kind: 'retry', delay_ms: 100, reason: 'written meanwhile' };
        if (best.hits.length === 0) return { kind: 'done' };
        const ids = new Set(given.hits.map(({ id }) => id));
        await add(namespace, best.hits.filter(({ id }) => ids.has(id)).length / best.hits.length);
        return { kind: 'done' };
      } finally {
        followed.release();
      }
    },
  };
}

/** Where a request falls among all, 0 to 1: the last digits of a UUIDv7 are random. */
function shareOf(request_id: string): number {
  return Number.parseInt(request_id.replaceAll('-', '').slice(-8), 16) / 2 ** 32;
}
