import { BoundedMap } from '../bounded-map.ts';
import type { Now } from '../call.ts';
import type { Json } from '../json.ts';
import type { Operation, Table } from '../ports/table.ts';
import type { ScriptEvent } from '../ports/script-host.ts';
import { eventKey, eventPrefix, runPartition, stateKey } from './keys.ts';
import { bytesOf, coalesce, cutToBytes, splitText, withoutBytes } from './output-text.ts';
import { hasEnded, runRow, type RunRow } from './run-row.ts';
import type { RunEvent } from './runs.ts';
import type { Watchers } from './watchers.ts';

export interface NewEvent {
  readonly event: string;
  readonly data: Json;
}

export interface RunEvents {
  /** Output of a sandbox of this process: kept in order, written soon. */
  output(run: RunRow, event: ScriptEvent): void;
  /** Output of a sandbox elsewhere: what was not told yet of it is written now. An attempt that is over tells nothing. */
  tell(run: RunRow, pieces: readonly OutputPiece[]): Promise<void>;
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

export type OutputPiece = ScriptEvent & {
  /** UTF-8 bytes of its stream that the attempt had printed before it. */
  readonly at: number;
};

export interface RunEventsParts {
  readonly table: Table;
  readonly now: Now;
  readonly watchers: Watchers;
  readonly events_bytes_max: number;
}

/** What one process knows of the events of a run; another one may have written more by now. */
interface Log {
  next_id: number;
  /** UTF-8 bytes of output in the events, of whatever attempt: a resumed run prints the same again. */
  readonly told: PerStream;
  /** What the attempt printed in this process. */
  readonly printed: PerStream;
  attempt: number;
  chain: Promise<unknown>;
}

interface PerStream {
  stdout: number;
  stderr: number;
}

const piece_units = 32_768;
const events_at_once = 50;
const outputs_at_once = 10;
const poll_ms = 250;
/** Of how many runs a process remembers where their events end; the others it looks up again. */
const logs_max = 4096;
/** Writers of one run on several machines; each refusal means that another one got its event in. */
const overtaken_max = 50;

/**
 * The events of runs as rows with gapless ids, whichever machines write them: an id that is taken means that somebody
 * was faster, who is read and followed. Output beyond `events_bytes_max` is left out; the other events of a run are few
 * and small and always written.
 */
export function makeRunEvents({ table, now, watchers, events_bytes_max }: RunEventsParts): RunEvents {
  const logs = new BoundedMap<string, Promise<Log>>(logs_max);
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

    tell(run, pieces) {
      return inTurn(run, (log) => tellPieces(run, log, pieces));
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
      opening.catch(() => logs.delete(run.id));
    }
    const log = await opening;
    const turn = log.chain.then(() => work(log));
    log.chain = turn.catch(() => undefined);
    return turn;
  }

  async function openLog(run: RunRow): Promise<Log> {
    const log: Log = {
      next_id: 1,
      told: { stdout: 0, stderr: 0 },
      printed: { stdout: 0, stderr: 0 },
      attempt: run.attempt,
      chain: Promise.resolve(),
    };
    await readOn(run, log);
    return log;
  }

  /** What was written since the log was last looked at. */
  async function readOn(run: RunRow, log: Log): Promise<void> {
    for (;;) {
      const page = await table.query(
        {
          pk: runPartition(run.tenant, run.id),
          from: eventKey(run.tenant, run.id, log.next_id).sk,
          to: `${eventPrefix}~`,
          limit: 500,
        },
        now(),
      );
      for (const { item } of page.rows) {
        log.next_id = Number(item.id) + 1;
        if (item.event === 'stdout' || item.event === 'stderr') log.told[item.event] += bytesOf(textOf(item.data));
      }
      if (page.cursor === undefined) return;
    }
  }

  async function flush(run: RunRow, log: Log): Promise<void> {
    for (let arrived = arrivals.get(run.id); arrived !== undefined; arrived = arrivals.get(run.id)) {
      arrivals.delete(run.id);
      await tellPieces(
        run,
        log,
        coalesce(arrived).map((piece) => placed(run, log, piece)),
      );
    }
  }

  /** Where the output of a sandbox of this process stands in its stream. */
  function placed(run: RunRow, log: Log, piece: ScriptEvent): OutputPiece {
    if (log.attempt !== run.attempt) {
      log.attempt = run.attempt;
      Object.assign(log.printed, { stdout: 0, stderr: 0 });
    }
    const at = log.printed[piece.kind];
    log.printed[piece.kind] += bytesOf(piece.text);
    return { ...piece, at };
  }

  async function tellPieces(run: RunRow, log: Log, pieces: readonly OutputPiece[]): Promise<void> {
    const of_this_attempt: Operation = {
      kind: 'check',
      key: stateKey(run.tenant, run.id),
      conditions: [{ kind: 'equals', field: 'attempt', value: run.attempt }],
    };
    for (const piece of pieces) {
      if (piece.at > log.told[piece.kind]) {
        await readOn(run, log);
        // What is still missing got lost on its way; what comes after it is told all the same.
        log.told[piece.kind] = Math.max(log.told[piece.kind], piece.at);
      }
      for (let rest = freshOf(log, piece); rest !== ''; rest = freshOf(log, piece)) {
        const texts = splitText(rest, piece_units).slice(0, outputs_at_once);
        const events = texts.map((text) => ({ event: piece.kind, data: { text } }));
        const answer = await transact(run, log, events, [of_this_attempt]);
        if (answer === 'refused') return;
        if (answer === 'written') log.told[piece.kind] += bytesOf(texts.join(''));
      }
    }
  }

  async function write(
    run: RunRow,
    log: Log,
    events: readonly NewEvent[],
    operations: readonly Operation[],
  ): Promise<boolean> {
    if (events.length + operations.length === 0) return true;
    for (let tries = 0; tries < overtaken_max; tries += 1) {
      const answer = await transact(run, log, events, operations);
      if (answer !== 'overtaken') return answer === 'written';
    }
    throw new Error(`too many write the events of run ${run.id}`);
  }

  async function transact(
    run: RunRow,
    log: Log,
    events: readonly NewEvent[],
    operations: readonly Operation[],
  ): Promise<'written' | 'refused' | 'overtaken'> {
    const puts = events.map(({ event, data }, index): Operation => {
      const id = log.next_id + index;
      return {
        kind: 'put',
        key: eventKey(run.tenant, run.id, id),
        item: { id, event, data, expires_at: run.expires_at },
        conditions: [{ kind: 'absent' }],
      };
    });
    const answer = await table.transact([...operations, ...puts], now());
    if (answer.kind === 'written') {
      log.next_id += events.length;
      watchers.touch(run.id);
      return 'written';
    }
    if (answer.operation < operations.length) return 'refused';
    await readOn(run, log);
    return 'overtaken';
  }

  /** What of a piece no event has and still has room; empty when nothing does. */
  function freshOf({ told }: Log, { kind, text, at }: OutputPiece): string {
    const left = events_bytes_max - told.stdout - told.stderr;
    // Less than a character may need: the output is cut here, and a later piece must not stand where something is missing.
    if (left < 4) return '';
    return cutToBytes(withoutBytes(text, told[kind] - at), left);
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

function textOf(data: Json | undefined): string {
  return typeof data === 'object' && data !== null && 'text' in data && typeof data.text === 'string' ? data.text : '';
}
