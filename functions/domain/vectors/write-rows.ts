import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Now, RandomBytes } from '../call.ts';
import { SignetError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { AppendedRow, StoredRow } from '../ports/segment-compute.ts';
import type { Operation, Table } from '../ports/table.ts';
import type { CompactionRules } from './compaction-rules.ts';
import type { Compactions } from './compactions.ts';
import { deltaItem } from './delta-row.ts';
import { headAfter, newHead, type Head } from './head.ts';
import { collectionKey, deltaKey, droppedKey, headKey, manifestKey, namespaceKey } from './keys.ts';
import { manifestItem } from './manifest.ts';
import { mergePatch } from './merge-patch.ts';
import type { Followed, Namespace } from './namespaces.ts';

export type RowWrite =
  | {
      readonly kind: 'put';
      readonly id: string;
      readonly values: Float32Array;
      readonly metadata?: JsonObject;
      readonly content?: string;
    }
  /** Into the metadata of a row (RFC 7396), if it is there then. */
  | { readonly kind: 'patch'; readonly id: string; readonly metadata: JsonObject }
  | { readonly kind: 'delete'; readonly id: string }
  /** Every row that matches when the write is made. */
  | { readonly kind: 'delete_where'; readonly filter: JsonObject };

export interface RowsWritten {
  /** Newest write that the answer speaks of. */
  readonly seq: number;
  readonly put: number;
  readonly deleted: number;
}

export interface RowWriter {
  /** In order, all of them, or an error that says how many; writes of one process to one namespace share transactions. */
  write(namespace: Namespace, writes: readonly RowWrite[]): Promise<RowsWritten>;
}

/** Under the 4 MiB of `limits.table`, with room for keys and conditions. */
const transaction_bytes_max = 3_000_000;
const conflict_ms_max = 5_000;
const pause_ms_max = 100;
const rows_max = limits.vectors.transaction_rows_max;

interface Request {
  readonly writes: readonly RowWrite[];
  /** How many of `writes` are applied. */
  done: number;
  put: number;
  deleted: number;
  readonly resolve: (written: RowsWritten) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Puts rows at the end of a namespace: a transaction of at most 99 changes and the head, which must still be where this
 * process last saw it. Another process that was faster costs one refusal, a look at what it wrote, and a retry.
 */
export function makeRowWriter({
  table,
  compactions,
  rules,
  now,
  random,
  pause,
}: {
  table: Table;
  compactions: Pick<Compactions, 'written'>;
  rules: Pick<CompactionRules, 'delta_bytes_max'>;
  now: Now;
  random: RandomBytes;
  pause: (milliseconds: number) => Promise<void>;
}): RowWriter {
  const queues = new Map<string, Request[]>();

  async function drain(namespace: Namespace, queue: Request[]): Promise<void> {
    // One turn later, so that everything put in this turn shares the first transaction.
    await Promise.resolve();
    while (queue.length > 0) {
      /** How many requests of the queue have a part in the transaction that is tried. */
      let concerned = 1;
      try {
        const plan = await writeNext(namespace, queue, (steps) => {
          concerned = Math.max(1, steps.findLastIndex(({ done }) => done > 0) + 1);
        });
        settle(queue, plan);
      } catch (error) {
        // Whoever had a part in the failed transaction is told; the rest of the queue goes on.
        for (const request of queue.splice(0, concerned)) request.reject(partly(error, request));
      }
    }
    queues.delete(namespace.pk);
  }

  async function writeNext(
    namespace: Namespace,
    queue: readonly Request[],
    onPlanned: (steps: Plan['steps']) => void,
  ): Promise<Plan> {
    let started: number | undefined;
    for (let attempt = 0; ; attempt += 1) {
      const followed = await namespace.follow();
      // From here: the first look may have to read every row, and that is no conflict.
      started ??= now();
      if (now() - started > conflict_ms_max) throw conflict();
      if (followed === undefined) {
        await create(namespace);
        continue;
      }
      try {
        if (followed.head.delta_bytes > rules.delta_bytes_max) throw backlog(rules.delta_bytes_max);
        const plan = await planTransaction(namespace.pk, followed, queue);
        onPlanned(plan.steps);
        if (plan.rows.length === 0) return plan;
        const written = await table.transact(plan.operations, now());
        if (written.kind === 'written') {
          await namespace.absorb(plan.rows, plan.head);
          await compactions.written(namespace, plan.head);
          return plan;
        }
      } finally {
        followed.release();
      }
      await pause(jitter(attempt));
    }
  }

  async function create({ pk, tenant, name, collection }: Namespace): Promise<void> {
    const absent = [{ kind: 'absent' }] as const;
    const dropped = await table.get(droppedKey(pk), now());
    const head = dropped === undefined ? newHead : headAfter(dropped);
    const created = await table.transact(
      [
        {
          kind: 'check',
          key: collectionKey(tenant, collection.name),
          conditions: [{ kind: 'equals', field: 'id', value: collection.id }],
        },
        {
          kind: 'check',
          key: droppedKey(pk),
          conditions:
            dropped === undefined ? absent : [{ kind: 'equals', field: 'generation', value: head.generation }],
        },
        { kind: 'put', key: namespaceKey(tenant, collection.id, name), item: { name }, conditions: absent },
        { kind: 'put', key: headKey(pk), item: { ...head }, conditions: absent },
        ...(dropped === undefined ? [] : [emptyManifest(pk, head)]),
      ],
      now(),
    );
    if (created.kind === 'refused' && created.operation === 0) {
      throw new SignetError({ code: 'collection_not_found', detail: `no collection \`${collection.name}\`` });
    }
  }

  /** Up to 2, 4, 8 … 100 ms, by chance: writers that met once do not meet again. */
  function jitter(attempt: number): number {
    const [byte = 0] = random(1);
    return (Math.min(pause_ms_max, 2 ** Math.min(attempt + 1, 7)) * (byte + 1)) / 256;
  }

  return {
    write(namespace, writes) {
      return new Promise((resolve, reject) => {
        const request: Request = { writes, done: 0, put: 0, deleted: 0, resolve, reject };
        const queue = queues.get(namespace.pk);
        if (queue !== undefined) {
          queue.push(request);
          return;
        }
        const fresh = [request];
        queues.set(namespace.pk, fresh);
        void drain(namespace, fresh);
      });
    },
  };
}

function emptyManifest(pk: string, { generation, compacted_seq }: Head): Operation {
  return {
    kind: 'put',
    key: manifestKey(pk, generation),
    item: manifestItem({ generation, compacted_seq, segments: [] }),
  };
}

interface Plan {
  readonly operations: readonly Operation[];
  readonly rows: readonly AppendedRow[];
  readonly head: Head;
  /** For each request at the front of the queue, what this transaction does of it. */
  readonly steps: readonly { readonly done: number; readonly put: number; readonly deleted: number }[];
}

/** Takes writes from the front of the queue until the transaction is full or an id comes a second time. */
async function planTransaction(pk: string, followed: Followed, queue: readonly Request[]): Promise<Plan> {
  const { head } = followed;
  const first = nextWrite(queue);
  const stored = await lookUp(followed, queue);
  const matching = first?.kind === 'delete_where' ? await followed.compute.countRows(followed.view, first.filter) : 0;

  const rows: AppendedRow[] = [];
  const puts: Operation[] = [];
  const steps: { done: number; put: number; deleted: number }[] = [];
  const ids = new Set<string>();
  let live = head.rows;
  let bytes = 0;

  const add = (write: RowWrite): { put: number; deleted: number } | 'full' => {
    const seq = head.seq + rows.length + 1;
    if (write.kind === 'delete_where') {
      // Alone, because what it matches is what there is before the transaction; counted for the first write only, and
      // what stood before it may have changed nothing.
      if (write !== first) return 'full';
      if (matching === 0) return { put: 0, deleted: 0 };
      ids.add('');
      return take({ kind: 'gone_where', seq, filter: write.filter }, -matching);
    }
    if (ids.has('') || ids.has(write.id)) return 'full';
    // Not among those that were looked up: the transaction is as full as it gets.
    if (!stored.has(write.id)) return 'full';
    const before = stored.get(write.id);
    const wasLive = before !== undefined;
    if (write.kind === 'delete') {
      if (!wasLive) return { put: 0, deleted: 0 };
      const taken = take({ kind: 'gone', seq, id: write.id }, -1);
      if (taken !== 'full') ids.add(write.id);
      return taken;
    }
    if (write.kind === 'patch') {
      if (!wasLive) return { put: 0, deleted: 0 };
      const taken = take({ kind: 'vector', seq, ...patched(before, write.metadata) }, 0);
      if (taken !== 'full') ids.add(write.id);
      return taken;
    }
    if (!wasLive && live >= limits.vectors.rows_max) {
      // What came before it goes through first, so that the refusal meets the request that it is about.
      if (rows.length > 0 || steps.length > 1) return 'full';
      throw full();
    }
    const taken = take({ ...write, kind: 'vector', seq }, wasLive ? 0 : 1);
    if (taken !== 'full') ids.add(write.id);
    return taken;
  };

  const take = (row: AppendedRow, change: number): { put: number; deleted: number } | 'full' => {
    const item = deltaItem(row);
    const row_bytes = Buffer.byteLength(JSON.stringify(item));
    const isFull = rows.length >= rows_max || bytes + row_bytes > transaction_bytes_max;
    if (rows.length > 0 && isFull) return 'full';
    puts.push({ kind: 'put', key: deltaKey(pk, row.seq), item });
    rows.push(row);
    bytes += row_bytes;
    live += change;
    return row.kind === 'vector' ? { put: 1, deleted: 0 } : { put: 0, deleted: -change };
  };

  takeAll: for (const request of queue) {
    const step = { done: 0, put: 0, deleted: 0 };
    steps.push(step);
    for (const write of request.writes.slice(request.done)) {
      const result = add(write);
      if (result === 'full') break takeAll;
      step.done += 1;
      step.put += result.put;
      step.deleted += result.deleted;
    }
  }

  const seq = head.seq + rows.length;
  const update: Operation = {
    kind: 'update',
    key: headKey(pk),
    set: { seq, rows: live },
    add: { delta_bytes: bytes },
    // A compaction changes neither, so that it makes no writer try again.
    conditions: [{ kind: 'equals', field: 'seq', value: head.seq }],
  };
  return {
    operations: [update, ...puts],
    rows,
    head: { ...head, seq, rows: live, delta_bytes: head.delta_bytes + bytes },
    steps,
  };
}

function nextWrite(queue: readonly Request[]): RowWrite | undefined {
  return queue.flatMap(({ writes, done }) => writes.slice(done, done + 1))[0];
}

/** Of the ids that may go into one transaction, the rows that are there; whole where a patch needs them. */
async function lookUp(
  { compute, view }: Followed,
  queue: readonly Request[],
): Promise<ReadonlyMap<string, StoredRow | undefined>> {
  const asked = new Map<string, { isPatched: boolean }>();
  for (const write of queue.flatMap(({ writes, done }) => writes.slice(done, done + rows_max))) {
    if (write.kind === 'delete_where') break;
    if (asked.size >= rows_max) break;
    asked.set(write.id, { isPatched: write.kind === 'patch' || asked.get(write.id)?.isPatched === true });
  }
  const found = new Map<string, StoredRow | undefined>();
  for (const isPatched of [false, true]) {
    const ids = [...asked].filter(([, ask]) => ask.isPatched === isPatched).map(([id]) => id);
    if (ids.length === 0) continue;
    const include = isPatched ? { metadata: true, values: true, content: true } : {};
    const rows = await compute.lookUp(view, { ids, include });
    for (const [nth, id] of ids.entries()) found.set(id, rows[nth]);
  }
  return found;
}

/** The row as it is stored, with other metadata. */
function patched(
  { id, values, metadata = {}, content }: StoredRow,
  patch: JsonObject,
): Omit<RowWrite & { kind: 'put' }, 'kind'> {
  if (values === undefined) throw new Error('a row without values is patched');
  const merged = mergePatch(metadata, patch) as JsonObject;
  return { id, values, metadata: merged, ...(content === undefined ? {} : { content }) };
}

/** The transaction is written: requests that it finished are answered. */
function settle(queue: Request[], { steps, head }: Plan): void {
  for (const step of steps) {
    const request = queue[0];
    if (request === undefined) return;
    request.done += step.done;
    request.put += step.put;
    request.deleted += step.deleted;
    if (request.done < request.writes.length) return;
    queue.shift();
    request.resolve({ seq: head.seq, put: request.put, deleted: request.deleted });
  }
}

function full(): SignetError {
  return new SignetError({
    code: 'collection_full',
    detail: `expected at most ${limits.vectors.rows_max} rows in a namespace`,
  });
}

function backlog(delta_bytes_max: number): SignetError {
  return new SignetError({
    code: 'compaction_backlog',
    detail: `over ${delta_bytes_max} bytes wait to be compacted`,
    retry_after_s: 5,
  });
}

function conflict(): SignetError {
  return new SignetError({
    code: 'write_conflict',
    detail: `other writers were faster for ${conflict_ms_max / 1000} s`,
    retry_after_s: 1,
  });
}

/** A request of several transactions may fail between them: the error then says how far it came. */
function partly(error: unknown, request: Request): unknown {
  if (request.done === 0 || !(error instanceof SignetError)) return error;
  const detail = `${error.public.detail}; ${request.done} of ${request.writes.length} are written, repeating the whole request is safe`;
  return new SignetError({ ...error.public, detail }, { cause: error });
}
