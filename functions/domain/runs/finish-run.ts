import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Now } from '../call.ts';
import type { ScriptCompletion } from '../ports/script-host.ts';
import type { Operation, Table } from '../ports/table.ts';
import type { Receipts } from '../receipts/receipts.ts';
import { runType } from '../receipts/statement-types.ts';
import type { Limits } from './clamp-limits.ts';
import { exitCodeOf } from './exit-code.ts';
import { lastStep, noTotals, stepReceipts } from './journal.ts';
import { slotsKey, stateKey } from './keys.ts';
import { putJson, putText } from './long-text.ts';
import { cutToBytes } from './output-text.ts';
import type { RunEvents } from './run-events.ts';
import { asRead, hasEnded, runRow, type RunRow } from './run-row.ts';
import type { RunState } from './runs.ts';

export interface FinishParts {
  readonly table: Table;
  readonly receipts: Receipts;
  readonly events: RunEvents;
  readonly now: Now;
  readonly limits: Limits;
}

/** Receipts named one by one in the statement; all of them are counted and digested in `calls`. */
const parents_max = 16;
const error_text_max = 16_384;
const error_name_max = 256;

/**
 * Ends a run: the statement first, durable, then one transaction with state, result, output, the last events and the
 * slot of its key. A row that ended already, or that a later attempt took over, stays as it is.
 *
 * @returns whether the run has ended, this way or another; false when a later attempt has it
 */
export async function finishRun(parts: FinishParts, row: RunRow, completion: ScriptCompletion): Promise<boolean> {
  const { table, events, now, limits } = parts;
  const end = endOf(row, completion, limits);
  const place = (name: string) => ({ tenant: row.tenant, run_id: row.id, name });
  const output = {
    stdout: cutToBytes(completion.stdout, row.limits.output_bytes),
    stderr: cutToBytes(completion.stderr, row.limits.output_bytes),
  };
  const final_receipt = await appendStatement(parts, row, completion, end, output.stdout);
  const operations: readonly Operation[] = [
    {
      kind: 'update',
      key: stateKey(row.tenant, row.id),
      conditions: asRead(row),
      set: {
        state: end.state,
        exit_code: end.exit_code,
        ended_at: now(),
        final_receipt,
        result_type: completion.result_type.slice(0, error_name_max).toWellFormed(),
        usage: completion.usage,
        timings: completion.timings,
        image: completion.image,
        stdout_truncated: completion.stdout_truncated || output.stdout !== completion.stdout,
        stderr_truncated: completion.stderr_truncated || output.stderr !== completion.stderr,
        ...(end.error === undefined ? {} : { error: end.error }),
      },
    },
    ...putText(place('stdout'), output.stdout, row.expires_at),
    ...putText(place('stderr'), output.stderr, row.expires_at),
    ...(end.state === 'succeeded' ? putJson(place('result'), completion.result, row.expires_at) : []),
    ...releaseSlot(row),
  ];
  const ending = [
    ...(end.state === 'succeeded'
      ? [{ event: 'result', data: { value: completion.result, type: completion.result_type } }]
      : []),
    {
      event: 'done',
      data: {
        state: end.state,
        exit_code: end.exit_code,
        receipt: final_receipt,
        ...(end.error ? { error: end.error } : {}),
      },
    },
  ];
  if (await events.append(row, ending, operations)) return true;
  const item = await table.get(stateKey(row.tenant, row.id), now());
  if (item === undefined || hasEnded(runRow(item))) return true;
  if (runRow(item).attempt !== row.attempt || runRow(item).state !== row.state) return false;
  throw new Error(`run ${row.id} could not be closed`);
}

interface End {
  readonly state: RunState;
  readonly exit_code: number;
  readonly error?: NonNullable<ScriptCompletion['error']>;
}

function endOf(row: RunRow, completion: ScriptCompletion, limits: Limits): End {
  if (row.verdict !== undefined) {
    const { exit_code, type, code, message } = row.verdict;
    return { state: 'failed', exit_code, error: { type, code, message } };
  }
  if (
    completion.state === 'succeeded' &&
    Buffer.byteLength(JSON.stringify(completion.result)) > limits.runs.result_bytes_max
  ) {
    const message = `expected a result of at most ${limits.runs.result_bytes_max} bytes of JSON`;
    return { state: 'failed', exit_code: 6, error: { type: 'LimitExceeded', code: 'limit_exceeded', message } };
  }
  return {
    state: completion.state,
    exit_code: completion.state === 'cancelled' ? 130 : exitCodeOf(completion),
    ...(completion.error === undefined ? {} : { error: shortened(completion.error) }),
  };
}

function shortened(error: NonNullable<ScriptCompletion['error']>): NonNullable<ScriptCompletion['error']> {
  const { traceback, message, type, code, ...rest } = error;
  return {
    ...rest,
    type: type.slice(0, error_name_max).toWellFormed(),
    ...(code === undefined ? {} : { code: code.slice(0, error_name_max).toWellFormed() }),
    message: message.slice(0, error_text_max).toWellFormed(),
    ...(traceback === undefined ? {} : { traceback: traceback.slice(-error_text_max).toWellFormed() }),
  };
}

async function appendStatement(
  { table, receipts, now }: FinishParts,
  row: RunRow,
  completion: ScriptCompletion,
  end: End,
  stdout: string,
): Promise<string> {
  const ids = await stepReceipts(table, row, now());
  const { tokens } = (await lastStep(table, row, now()))?.totals ?? noTotals;
  const { usage } = completion;
  const reason = end.error?.code ?? end.error?.type ?? end.state;
  let n = 0;
  return receipts.append(
    { request_id: row.request_id, nextStatement: () => row.attempt * 1e10 + 5e9 + n++ },
    {
      subject: [{ name: 'script', digest: { sha256: row.script_digest } }],
      predicate_type: runType,
      predicate: {
        run: row.id,
        component: completion.image,
        script: row.script_digest,
        limits: row.limits,
        used: {
          cpu_ms: Math.round(usage.cpu_ms),
          mem_bytes: Math.round(usage.memory_bytes),
          wall_ms: Math.round(usage.wall_ms),
          calls: usage.host_calls,
          tokens,
        },
        // JSON of a list of hexadecimal texts is its canonical form.
        calls: { count: ids.length, sha256: sha256(JSON.stringify(ids)) },
        exit: { code: end.exit_code, reason: reason.slice(0, 64) },
        stdout: { sha256: sha256(stdout), bytes: Buffer.byteLength(stdout) },
        parents: ids.slice(0, parents_max),
      },
    },
  );
}

function releaseSlot(row: RunRow): readonly Operation[] {
  if (!row.takes_slot) return [];
  return [{ kind: 'update', key: slotsKey(row.tenant, row.principal.id), add: { count: -1 } }];
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
