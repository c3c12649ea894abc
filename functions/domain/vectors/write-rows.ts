import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Now, RandomBytes } from '../call.ts';
import { SignetError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { Item, Operation, Table } from '../ports/table.ts';
import { deltaItem, type DeltaRow } from './delta-row.ts';
import { collectionKey, deltaKey, headKey, namespaceKey } from './keys.ts';
import type { Namespace, Namespaces } from './open-namespace.ts';

export type RowWrite =
  | {
      readonly kind: 'put';
      readonly id: string;
      readonly values: Float32Array;
      readonly metadata?: JsonObject;
      readonly content?: string;
    }
  /** With `seq`: only if that write is still the newest of the id. */
  | { readonly kind: 'delete'; readonly id: string; readonly seq?: number };

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
  namespaces,
  now,
  random,
  pause,
}: {
  table: Table;
  namespaces: Namespaces;
  now: Now;
  random: RandomBytes;
  pause: (milliseconds: number) => Promise<void>;
}): RowWriter {
  const queues = new Map<string, Request[]>();

  async function drain(namespace: Namespace, queue: Request[]): Promise<void> {
    // One turn later, so that everything put in this turn shares the first transaction.
    await Promise.resolve();
    while (queue.length > 0) {
      let plan: Plan | undefined;
      try {
        let started: number | undefined;
        for (let attempt = 0; ; attempt += 1) {
          const head = await namespaces.refresh(namespace);
          // From here: the first look may have to read every row, and that is no conflict.
          started ??= now();
          if (now() - started > conflict_ms_max) throw conflict();
          if (head === undefined) {
            await create(namespace);
            continue;
          }
          plan = planTransaction(namespace, queue);
          if (plan.operations.length === 1) break;
          const written = await table.transact(plan.operations, now());
          if (written.kind === 'written') break;
          await pause(jitter(attempt));
        }
        settle(namespace, queue, plan);
      } catch (error) {
        // Whoever had a part in the failed transaction is told; the rest of the queue goes on.
        const last = plan?.steps.findLastIndex(({ done }) => done > 0) ?? 0;
        const failed = queue.splice(0, Math.max(1, last + 1));
        for (const request of failed) request.reject(partly(error, request));
      }
    }
    queues.delete(namespace.pk);
  }

  async function create({ pk, tenant, name, collection }: Namespace): Promise<void> {
    const absent = [{ kind: 'absent' }] as const;
    const created = await table.transact(
      [
        {
          kind: 'check',
          key: collectionKey(tenant, collection.name),
          conditions: [{ kind: 'equals', field: 'id', value: collection.id }],
        },
        { kind: 'put', key: namespaceKey(tenant, collection.id, name), item: { name }, conditions: absent },
        { kind: 'put', key: headKey(pk), item: { seq: 0, rows: 0, generation: 0 }, conditions: absent },
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

interface Plan {
  readonly operations: readonly Operation[];
  readonly rows: readonly DeltaRow[];
  /** For each request at the front of the queue, what this transaction does of it. */
  readonly steps: readonly { readonly done: number; readonly put: number; readonly deleted: number }[];
}

/** Takes writes from the front of the queue until the transaction is full or an id comes a second time. */
function planTransaction({ pk, matrix }: Namespace, queue: readonly Request[]): Plan {
  const rows: DeltaRow[] = [];
  const changes: Operation[] = [];
  const steps: { done: number; put: number; deleted: number }[] = [];
  const ids = new Set<string>();
  let seq = matrix.seq;
  let live = matrix.live;
  let bytes = 0;

  const add = (write: RowWrite): 'put' | 'deleted' | 'nothing' | 'full' => {
    if (ids.has(write.id)) return 'full';
    const before = matrix.newest(write.id);
    const isLive = before?.isLive ?? false;
    if (write.kind === 'delete' && (!isLive || (write.seq !== undefined && write.seq !== before?.seq)))
      return 'nothing';

    const row: DeltaRow =
      write.kind === 'delete'
        ? { kind: 'gone', seq: seq + 1, id: write.id }
        : { ...write, kind: 'vector', seq: seq + 1 };
    const item = deltaItem(row);
    // The row that goes counts too: nobody says whether a table counts what it deletes.
    const row_bytes = bytesOf(item) + (isLive ? replacedBytes(write.id) : 0);
    const needed = before === undefined ? 1 : 2;
    const isFull =
      changes.length + needed > limits.vectors.transaction_rows_max || bytes + row_bytes > transaction_bytes_max;
    if (changes.length > 0 && isFull) return 'full';
    if (write.kind === 'put' && !isLive && live >= limits.vectors.exact_rows_max) {
      // What came before it goes through first, so that the refusal meets the request that it is about.
      if (changes.length > 0 || steps.length > 1) return 'full';
      throw new SignetError({
        code: 'collection_full',
        detail: `expected at most ${limits.vectors.exact_rows_max} rows in a namespace`,
      });
    }
    changes.push({ kind: 'put', key: deltaKey(pk, row.seq), item });
    // The row that this one replaces goes at once: what is stored is what a query can find.
    if (before !== undefined) changes.push({ kind: 'delete', key: deltaKey(pk, before.seq) });
    ids.add(write.id);
    rows.push(row);
    seq += 1;
    bytes += row_bytes;
    if (write.kind === 'delete') live -= 1;
    else if (!isLive) live += 1;
    return write.kind === 'delete' ? 'deleted' : 'put';
  };

  function replacedBytes(id: string): number {
    const { values = new Float32Array(), metadata = {}, content = '' } = matrix.row(id) ?? {};
    return bytesOf(deltaItem({ kind: 'vector', seq, id, values, metadata, content }));
  }

  takeAll: for (const request of queue) {
    const step = { done: 0, put: 0, deleted: 0 };
    steps.push(step);
    for (const write of request.writes.slice(request.done)) {
      const result = add(write);
      if (result === 'full') break takeAll;
      step.done += 1;
      if (result !== 'nothing') step[result] += 1;
    }
  }

  const head: Operation = {
    kind: 'update',
    key: headKey(pk),
    set: { seq, rows: live },
    conditions: [{ kind: 'equals', field: 'seq', value: matrix.seq }],
  };
  return { operations: [head, ...changes], rows, steps };
}

function bytesOf(item: Item): number {
  return Buffer.byteLength(JSON.stringify(item));
}

/** The transaction is written: its rows are in memory too, and requests that it finished are answered. */
function settle({ matrix }: Namespace, queue: Request[], plan: Plan): void {
  for (const row of plan.rows) matrix.apply(row);
  for (const step of plan.steps) {
    const request = queue[0];
    if (request === undefined) return;
    request.done += step.done;
    request.put += step.put;
    request.deleted += step.deleted;
    if (request.done < request.writes.length) return;
    queue.shift();
    request.resolve({ seq: matrix.seq, put: request.put, deleted: request.deleted });
  }
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
