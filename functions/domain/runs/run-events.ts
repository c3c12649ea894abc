import { Buffer } from 'node:buffer';
import type { Now } from '../call.ts';
import type { Json } from '../json.ts';
import type { Operation, Table } from '../ports/table.ts';
import type { ScriptEvent } from '../ports/script-host.ts';
import { eventKey, eventPrefix, runPartition, stateKey } from './keys.ts';
import { hasEnded, runRow, type RunRow } from './run-row.ts';
import type { RunEvent } from './runs.ts';
import type { Watchers } from './watchers.ts';

export interface NewEvent {
  readonly event: string;
  readonly data: Json;
}

export interface RunEvents {
  /** Output of the sandbox: kept in order, written soon. */
  output(run: RunRow, event: ScriptEvent): void;
  /**
   * Writes `events` after all output so far, in one transaction with `operations`; false when a condition did not hold
   * and nothing was written.
   */
  append(run: RunRow, events: readonly NewEvent[], operations?: readonly Operation[]): Promise<boolean>;
  /** Events after `after`, then live ones, until `done` has been given or `signal` aborts. */
  follow(run: RunRow, after: number, signal: AbortSignal): AsyncIterable<RunEvent>;
  /** Forgets what this process knows of a run. */
  close(run_id: string): void;
}

export interface RunEventsParts {
  readonly table: Table;
  readonly now: Now;
  readonly watchers: Watchers;
  readonly events_bytes_max: number;
}

/** What one process knows of the events of a run that it writes. */
interface Log {
  next_id: number;
  bytes: number;
  /** Output that earlier attempts wrote already, in code units: a resumed run prints the same again. */
  readonly skip: { stdout: number; stderr: number };
  chain: Promise<unknown>;
}

const piece_units = 32_768;
const events_at_once = 50;
const poll_ms = 250;

/**
 * The events of runs as rows with gapless ids. Output beyond `events_bytes_max` is left out; the other events of a run
 * are few and small and always written.
 */
export function makeRunEvents({ table, now, watchers, events_bytes_max }: RunEventsParts): RunEvents {
  const logs = new Map<string, Promise<Log>>();
  /** Output that no turn has taken yet: what comes while one writes becomes one row of the next. */
  const arrivals = new Map<string, ScriptEvent[]>();

  return {
    output(run, event) {
      const arrived = arrivals.get(run.id);
      if (arrived !== undefined) {
        arrived.push(event);
        return;
      }
      arrivals.set(run.id, [event]);
      // A table that fails here fails the next `append` as well, which has someone who can be told.
      inTurn(run, (log) => flush(run, log)).catch(() => undefined);
    },

    append(run, events, operations = []) {
      return inTurn(run, async (log) => {
        await flush(run, log);
        // Of very many, the last ones stand with the operations: a transaction has its limit.
        const first = Math.max(0, events.length - events_at_once);
        for (let start = 0; start < first; start += events_at_once) {
          if (!(await write(run, log, events.slice(start, Math.min(first, start + events_at_once)), []))) return false;
        }
        return write(run, log, events.slice(first), operations);
      });
    },

    async *follow(run, after, signal) {
      let last = after;
      while (!signal.aborted) {
        const seen = watchers.version(run.id);
        const page = await table.query(
          {
            pk: runPartition(run.tenant, run.id),
            from: eventKey(run.tenant, run.id, last + 1).sk,
            to: `${eventPrefix}~`,
            limit: 200,
          },
          now(),
        );
        for (const { item } of page.rows) {
          const event = item as unknown as RunEvent;
          last = event.id;
          yield { id: event.id, event: event.event, data: event.data };
          if (event.event === 'done') return;
        }
        if (page.rows.length > 0) continue;
        if (await endedWithout(run)) return;
        await watchers.changed(run.id, seen, poll_ms, signal);
      }
    },

    close(run_id) {
      logs.delete(run_id);
      watchers.forget(run_id);
    },
  };

  /** One writer at a time for each run, so that ids have no gap. */
  async function inTurn<T>(run: RunRow, work: (log: Log) => Promise<T>): Promise<T> {
    let opening = logs.get(run.id);
    if (opening === undefined) {
      opening = openLog(run);
      logs.set(run.id, opening);
    }
    const log = await opening;
    const turn = log.chain.then(() => work(log));
    log.chain = turn.catch(() => undefined);
    return turn;
  }

  async function openLog(run: RunRow): Promise<Log> {
    const log: Log = { next_id: 1, bytes: 0, skip: { stdout: 0, stderr: 0 }, chain: Promise.resolve() };
    let cursor: string | undefined;
    do {
      const page = await table.query(
        {
          pk: runPartition(run.tenant, run.id),
          prefix: eventPrefix,
          limit: 500,
          ...(cursor === undefined ? {} : { cursor }),
        },
        now(),
      );
      for (const { item } of page.rows) {
        log.next_id = Number(item.id) + 1;
        if (item.event !== 'stdout' && item.event !== 'stderr') continue;
        const text = textOf(item.data);
        log.skip[item.event] += text.length;
        log.bytes += Buffer.byteLength(text, 'utf8');
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
    return log;
  }

  async function flush(run: RunRow, log: Log): Promise<void> {
    for (let arrived = arrivals.get(run.id); arrived !== undefined; arrived = arrivals.get(run.id)) {
      arrivals.delete(run.id);
      const pieces = coalesce(arrived).flatMap((piece) => fresh(log, piece));
      const events = pieces.map(({ kind, text }) => ({ event: kind, data: { text } }));
      for (let first = 0; first < events.length; first += 10) {
        await write(run, log, events.slice(first, first + 10), []);
      }
    }
  }

  async function write(
    run: RunRow,
    log: Log,
    events: readonly NewEvent[],
    operations: readonly Operation[],
  ): Promise<boolean> {
    const puts = events.map(({ event, data }, index): Operation => {
      const id = log.next_id + index;
      return {
        kind: 'put',
        key: eventKey(run.tenant, run.id, id),
        item: { id, event, data, expires_at: run.expires_at },
        conditions: [{ kind: 'absent' }],
      };
    });
    if (puts.length + operations.length === 0) return true;
    const answer = await table.transact([...operations, ...puts], now());
    if (answer.kind === 'refused') return false;
    log.next_id += events.length;
    watchers.touch(run.id);
    return true;
  }

  function fresh(log: Log, { kind, text }: ScriptEvent): readonly ScriptEvent[] {
    const skipped = Math.min(log.skip[kind], text.length);
    log.skip[kind] -= skipped;
    const rest = cutToBytes(text.slice(skipped), Math.max(0, events_bytes_max - log.bytes));
    // The first cut ends the output: a later, shorter piece that still fits would stand where something is missing.
    const cut = rest.length < text.length - skipped;
    log.bytes = cut ? events_bytes_max : log.bytes + Buffer.byteLength(rest, 'utf8');
    return split(rest).map((piece) => ({ kind, text: piece }));
  }

  async function endedWithout(run: RunRow): Promise<boolean> {
    const item = await table.get(stateKey(run.tenant, run.id), now());
    if (item === undefined) return true;
    if (!hasEnded(runRow(item))) return false;
    const page = await table.query(
      { pk: runPartition(run.tenant, run.id), prefix: eventPrefix, limit: 1, reverse: true },
      now(),
    );
    return page.rows[0]?.item.event === 'done';
  }
}

/** Neighbours of one stream as one piece. */
function coalesce(events: readonly ScriptEvent[]): readonly ScriptEvent[] {
  const joined: { kind: ScriptEvent['kind']; text: string }[] = [];
  for (const { kind, text } of events) {
    const previous = joined.at(-1);
    if (previous?.kind === kind) previous.text += text;
    else joined.push({ kind, text });
  }
  return joined;
}

function split(text: string): readonly string[] {
  const pieces: string[] = [];
  for (let rest = text; rest !== ''; ) {
    const piece = wellFormedStart(rest, piece_units);
    pieces.push(piece);
    rest = rest.slice(piece.length);
  }
  return pieces;
}

/** The longest start of at most `bytes` UTF-8 bytes that ends between characters. */
export function cutToBytes(text: string, bytes: number): string {
  const encoded = Buffer.from(text, 'utf8');
  if (encoded.length <= bytes) return text;
  let end = bytes;
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return encoded.subarray(0, end).toString('utf8');
}

function wellFormedStart(text: string, units: number): string {
  if (text.length <= units) return text;
  const last = text.charCodeAt(units - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? units - 1 : units);
}

function textOf(data: Json | undefined): string {
  return typeof data === 'object' && data !== null && 'text' in data && typeof data.text === 'string' ? data.text : '';
}
