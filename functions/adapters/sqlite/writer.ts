/**
 * The writer thread: the only connection that changes the file. It takes whatever has arrived, up to 64 writes, commits
 * it as one transaction and answers; what arrives during that commit's fsync is the next group. Nothing ever waits for
 * company, so a lone write costs one commit and a crowd shares one.
 */
import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { describeFailure, isDamage } from './describe-failure.ts';
import { DatabaseRefusedError, migrate } from './migrate.ts';
import type {
  ExchangeName,
  Exchanges,
  FromWriter,
  ToWriter,
  WireFailure,
  WireRequest,
  WriterOptions,
  WriterState,
} from './protocol.ts';
import { messageWriter } from './write-messages.ts';
import { rowWriter } from './write-rows.ts';

const group_writes_max = 64;

/**
 * 16 MiB of log before its pages are folded into the file. A chat writes some ten pages, mostly the same ones again:
 * SQLite's default of 1,000 makes one request in a hundred wait for two more fsyncs, and writes each hot page four times as
 * often. The price is 16 MiB of disk and some milliseconds more of reading after a crash.
 */
const log_pages_max = 4096;

type Reply = Exchanges[ExchangeName]['reply'];
type Pending = Extract<ToWriter, readonly unknown[]>[number];
type Answer = FromWriter[number];

const { port, options } = workerData as { port: MessagePort; options: WriterOptions };
start();

function start(): void {
  try {
    const connection = openConnection(options);
    serve(connection);
    tell({ kind: 'ready' });
  } catch (cause) {
    const { name, message } = cause instanceof Error ? cause : { name: 'Error', message: String(cause) };
    tell({ kind: 'refused', name, message });
    port.close();
  }
}

function tell(state: WriterState): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
  parentPort?.postMessage(state);
}

function openConnection({ path, busy_ms, bytes_max }: WriterOptions): DatabaseSync {
  const connection = new DatabaseSync(path, { timeout: busy_ms });
  try {
    migrate(connection);
    // Prompts and key hashes are the owner's alone; the log beside the file takes over its mode.
    chmodSync(path, 0o600);
    connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384');
    connection.exec(`PRAGMA wal_autocheckpoint = ${log_pages_max}`);
    if (bytes_max !== undefined) {
      const page_bytes = Number(connection.prepare('PRAGMA page_size').get()?.['page_size']);
      connection.exec(`PRAGMA max_page_count = ${Math.ceil(bytes_max / page_bytes)}`);
    }
    return connection;
  } catch (cause) {
    connection.close();
    if (!isDamage(cause)) throw cause;
    const { message } = cause as Error;
    throw new DatabaseRefusedError(`the file is damaged, or no SQLite database (${message}); restore it from a backup`);
  }
}

function serve(connection: DatabaseSync): void {
  const rows = rowWriter(connection);
  const messages = messageWriter(connection);
  const begin = connection.prepare('BEGIN IMMEDIATE');
  const commit = connection.prepare('COMMIT');
  let synchronous: 'FULL' | 'NORMAL' = 'NORMAL';
  let backlog: Pending[] = [];

  port.on('message', (first: ToWriter) => {
    let closing = take(first);
    for (;;) {
      while (!closing && backlog.length < group_writes_max) {
        const received = receiveMessageOnPort(port);
        if (received === undefined) break;
        closing = take(received.message as ToWriter);
      }
      if (backlog.length === 0) break;
      const group = backlog.slice(0, group_writes_max);
      backlog = backlog.slice(group_writes_max);
      port.postMessage(writeGroup(group) satisfies FromWriter);
    }
    if (closing) {
      connection.close();
      port.close();
    }
  });

  function take(message: ToWriter): boolean {
    if (message === 'close') return true;
    backlog.push(...message);
    return false;
  }

  /** A group that fails as a whole is written again one by one: no caller pays for another's failure. */
  function writeGroup(group: readonly Pending[]): Answer[] {
    const answers = tryGroup(group);
    if (Array.isArray(answers)) return answers;
    if (group.length === 1) return group.map(({ id }) => ({ id, failure: answers }));
    return group.flatMap((pending) => writeGroup([pending]));
  }

  function tryGroup(group: readonly Pending[]): Answer[] | WireFailure {
    try {
      setSynchronous(group.some(({ request }) => keeps(request)) ? 'FULL' : 'NORMAL');
      begin.run();
      const answers = group.map(({ id, request }): Answer => answer(id, request));
      commit.run();
      return answers;
    } catch (cause) {
      if (connection.isTransaction) connection.exec('ROLLBACK');
      return describeFailure(cause);
    }
  }

  function answer(id: number, request: WireRequest): Answer {
    try {
      return { id, reply: apply(request) };
    } catch (cause) {
      const failure = describeFailure(cause);
      // Bad input is found before anything of its request is written; a storage failure may be found in the middle.
      if (failure.kind === 'input') return { id, failure };
      throw cause;
    }
  }

  function setSynchronous(wanted: 'FULL' | 'NORMAL'): void {
    if (wanted === synchronous) return;
    connection.exec(`PRAGMA synchronous = ${wanted}`);
    synchronous = wanted;
  }

  /** Lost with the power, an attempt or a completion costs one more delivery; a message itself may not be lost. */
  function keeps(request: WireRequest): boolean {
    if (request.name === 'transact') return rows.keeps(request.body);
    return request.name === 'send' || request.name === 'bury' || request.name === 'redrive';
  }

  function apply({ name, body }: WireRequest): Reply {
    switch (name) {
      case 'transact':
        return rows.transact(body);
      case 'sweep':
        return rows.sweep(body);
      case 'send':
        return messages.send(body);
      case 'receive':
        return messages.receive(body);
      case 'complete':
        return messages.complete(body);
      case 'release':
        return messages.release(body);
      case 'bury':
        return messages.bury(body);
      case 'redrive':
        return messages.redrive(body);
      default:
        return name satisfies never;
    }
  }
}
