import type { Json } from '../json.ts';
import { allRows } from '../ports/all-rows.ts';
import type { Operation, Table } from '../ports/table.ts';
import type { ReplyFrame } from '../ports/script-host.ts';
import { replyName, runPartition, stepKey, stepPrefix } from './keys.ts';
import { getJson, putJson } from './long-text.ts';
import type { RunRow } from './run-row.ts';

/**
 * A host call in the journal. `intent` is written before a call with side effects and stands until its answer is known:
 * met again after a lost process, it says that the effect may or may not have happened.
 */
export type Step = {
  readonly seq: number;
  readonly state: 'intent' | 'answered';
  readonly method: string;
  /** SHA-256 of method and arguments. */
  readonly digest: string;
  readonly attempt: number;
  /** The same call may be made again: asking twice is the same as asking once. */
  readonly repeatable: boolean;
  /** Of all calls up to and including this one. */
  readonly totals: Totals;
  readonly receipts: readonly string[];
  /** Absent when it is too long for the row; then it is the text `reply#<seq>`. */
  readonly reply?: Json;
};

export type Totals = {
  readonly model_calls: number;
  readonly web_calls: number;
  /** Calls that changed something outside the run. */
  readonly effects: number;
  readonly tokens: number;
};

export const noTotals: Totals = { model_calls: 0, web_calls: 0, effects: 0, tokens: 0 };

const inline_units = 32_768;

export async function readStep(table: Table, run: RunRow, seq: number, now: number): Promise<Step | undefined> {
  const item = await table.get(stepKey(run.tenant, run.id, seq), now);
  return item === undefined ? undefined : (item as unknown as Step);
}

export async function lastStep(table: Table, run: RunRow, now: number): Promise<Step | undefined> {
  const page = await table.query(
    { pk: runPartition(run.tenant, run.id), prefix: stepPrefix, limit: 1, reverse: true },
    now,
  );
  const item = page.rows[0]?.item;
  return item === undefined ? undefined : (item as unknown as Step);
}

export async function readReply(table: Table, run: RunRow, step: Step, now: number): Promise<ReplyFrame> {
  const place = { tenant: run.tenant, run_id: run.id, name: replyName(step.seq) };
  const reply = step.reply ?? (await getJson(table, place, now));
  if (reply === undefined) throw new Error(`the journal of run ${run.id} lacks the answer of call ${step.seq}`);
  return reply as unknown as ReplyFrame;
}

/** Without `expires_at`: a table may lose an expiring row with the power, and this one must not be lost. */
export function putIntent(run: RunRow, step: Omit<Step, 'state' | 'reply' | 'receipts'>): Operation {
  return {
    kind: 'put',
    key: stepKey(run.tenant, run.id, step.seq),
    item: { ...step, state: 'intent', receipts: [] },
  };
}

export function putAnswer(run: RunRow, step: Omit<Step, 'state' | 'reply'>, reply: ReplyFrame): readonly Operation[] {
  const value = reply as unknown as Json;
  const fits = JSON.stringify(value).length <= inline_units;
  const place = { tenant: run.tenant, run_id: run.id, name: replyName(step.seq) };
  return [
    {
      kind: 'put',
      key: stepKey(run.tenant, run.id, step.seq),
      item: { ...step, state: 'answered', expires_at: run.expires_at, ...(fits ? { reply: value } : {}) },
    },
    ...(fits ? [] : putJson(place, value, run.expires_at)),
  ];
}

/** Receipts of all host calls in their order; at most `limit` of them. */
export async function stepReceipts(
  table: Table,
  run: RunRow,
  now: number,
  limit = Infinity,
): Promise<readonly string[]> {
  const receipts: string[] = [];
  const query = { pk: runPartition(run.tenant, run.id), prefix: stepPrefix, limit: 500 };
  for await (const { item } of allRows(table, query, () => now)) {
    receipts.push(...(item as unknown as Step).receipts);
    if (receipts.length >= limit) break;
  }
  return receipts.slice(0, limit);
}
