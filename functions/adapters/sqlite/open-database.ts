import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { MessageChannel, Worker } from 'node:worker_threads';
import { TableUnavailableError } from '../../domain/ports/table.ts';
import { describeFailure } from './describe-failure.ts';
import { DatabaseRefusedError } from './migrate.ts';
import type {
  ExchangeName,
  Exchanges,
  FromWriter,
  ToWriter,
  WireRequest,
  WriterOptions,
  WriterState,
} from './protocol.ts';

export interface DatabaseOptions {
  /** `signet.db`; made when it is not there. Its folder must be. */
  readonly path: string;
  /** The file may not grow over this; absent means that the disk decides. */
  readonly bytes_max?: number;
  /** How long the writer waits for another process that holds the file. Default 5,000. */
  readonly busy_ms?: number;
  /** Told of what nobody waits for: a writer that died. */
  readonly log?: { error(message: string, facts: { readonly cause: unknown }): void };
}

/** One file, opened once: `sqliteTable` and `sqliteQueue` share it, its writer thread and its reading connection. */
export interface Database {
  readonly path: string;
  /** Deletes at most `limit` rows that were expired at `now` (Unix milliseconds); answers how many. Reads never need it. */
  sweepExpired(now: number, limit: number): Promise<number>;
  /** Finishes what was submitted, then closes the file. Twice is fine; afterwards every call is refused. */
  close(): Promise<void>;
  /** For the adapters of this folder: one exchange with the writer; resolves when its group is committed. */
  write<N extends ExchangeName>(name: N, body: Exchanges[N]['request']): Promise<Exchanges[N]['reply']>;
  /** For the adapters of this folder: rows of a statement, on the calling thread; sees every acknowledged write. */
  read(sql: string, values: readonly SQLInputValue[]): Record<string, SQLOutputValue>[];
  /** For `sqliteQueue`: `listener` runs when `queue` may have something new to hand out. Call the result to stop. */
  onChanged(queue: string, listener: () => void): () => void;
}

/**
 * Opens the file, brings it to this release's schema and starts its writer.
 * Throws `DatabaseRefusedError` (a newer release's file, or not ours), `TableUnavailableError` when it cannot be opened.
 *
 * @example
 * const db = await openDatabase({ path: join(home, 'signet.db') });
 * const table = sqliteTable(db);
 */
export async function openDatabase({ path, bytes_max, busy_ms = 5000, log }: DatabaseOptions): Promise<Database> {
  const writer = await startWriter({ path, bytes_max, busy_ms }, log);
  const reader = new DatabaseSync(path, { readOnly: true, timeout: 1000 });
  const statements = new Map<string, StatementSync>();
  const listeners = new Map<string, Set<() => void>>();
  let closed: Promise<void> | undefined;

  return {
    path,

    sweepExpired: (now, limit) => writer.write('sweep', { now, limit }),

    close() {
      // The reader first: the last connection to close folds the log into the file, and only the writer may.
      if (closed === undefined) reader.close();
      closed ??= writer.close();
      return closed;
    },

    async write(name, body) {
      const reply = await writer.write(name, body);
      // Not after `receive`: two waiting receivers would wake each other for ever.
      if ('queue' in body && name !== 'receive') for (const listener of listeners.get(body.queue) ?? []) listener();
      return reply;
    },

    read(sql, values) {
      if (closed !== undefined) throw unavailable('read', 'the database is closed', false);
      try {
        let statement = statements.get(sql);
        if (statement === undefined) statements.set(sql, (statement = reader.prepare(sql)));
        return statement.all(...values);
      } catch (cause) {
        throw new TableUnavailableError({ operation: 'read', retryable: describeFailure(cause).retryable }, { cause });
      }
    },

    onChanged(queue, listener) {
      const set = listeners.get(queue) ?? new Set();
      listeners.set(queue, set.add(listener));
      return () => set.delete(listener);
    },
  };
}

interface Writer {
  write<N extends ExchangeName>(name: N, body: Exchanges[N]['request']): Promise<Exchanges[N]['reply']>;
  close(): Promise<void>;
}

async function startWriter(options: WriterOptions, log: DatabaseOptions['log']): Promise<Writer> {
  const { port1: port, port2: their_port } = new MessageChannel();
  const worker = new Worker(new URL('./writer.ts', import.meta.url), {
    workerData: { port: their_port, options },
    transferList: [their_port],
    execArgv: [],
    name: 'signet-writer',
  });
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const state = await new Promise<WriterState>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  if (state.kind === 'refused') {
    await ended;
    if (state.name === 'DatabaseRefusedError') throw new DatabaseRefusedError(`${options.path}: ${state.message}`);
    throw unavailable('open', `${options.path}: ${state.message}`, false);
  }

  const pending = new Map<
    number,
    { name: ExchangeName; resolve: (reply: never) => void; reject: (error: Error) => void }
  >();
  let outbox: { id: number; request: WireRequest }[] = [];
  let last_id = 0;
  let gone: { message: string; cause?: unknown } | undefined;

  port.on('message', (answers: FromWriter) => {
    for (const answer of answers) {
      const waiting = pending.get(answer.id);
      if (waiting === undefined) continue;
      pending.delete(answer.id);
      if ('reply' in answer) waiting.resolve(answer.reply as never);
      else if (answer.failure.kind === 'input') waiting.reject(new TypeError(answer.failure.message));
      else waiting.reject(unavailable(waiting.name, answer.failure.message, answer.failure.retryable));
    }
    if (pending.size === 0) port.unref();
  });
  worker.removeAllListeners('error');
  worker.on('error', (cause) => {
    gone = { message: 'the writer thread died', cause };
    log?.error('the writer thread of the database died', { cause });
  });
  worker.on('exit', () => {
    gone ??= { message: 'the database is closed' };
    for (const { name, reject } of pending.values()) reject(unavailable(name, gone.message, false, gone.cause));
    pending.clear();
  });
  // An idle database keeps no process alive; a write that was not answered yet does.
  worker.unref();
  port.unref();

  /** Everything submitted in one turn crosses in one message: 64 writers cost one wake-up, not 64. */
  function flush(): void {
    const batch = outbox;
    outbox = [];
    if (batch.length > 0 && gone === undefined) port.postMessage(batch satisfies ToWriter);
  }

  return {
    write(name, body) {
      if (gone !== undefined) return Promise.reject(unavailable(name, gone.message, false, gone.cause));
      return new Promise((resolve, reject) => {
        const id = ++last_id;
        if (pending.size === 0) port.ref();
        pending.set(id, { name, resolve, reject });
        outbox.push({ id, request: { name, body } as WireRequest });
        if (outbox.length === 1) queueMicrotask(flush);
      });
    },

    async close() {
      flush();
      gone ??= { message: 'the database is closed' };
      worker.ref();
      port.postMessage('close' satisfies ToWriter);
      await ended;
      port.close();
    },
  };
}

function unavailable(operation: string, message: string, retryable: boolean, cause?: unknown): TableUnavailableError {
  return new TableUnavailableError({ operation, retryable }, { cause: cause ?? new Error(message) });
}
