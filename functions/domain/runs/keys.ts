import type { Key } from '../ports/table.ts';

/** Everything of one run stands in one partition and expires together. */
export function runPartition(tenant: string, run_id: string): string {
  return `t#${tenant}#run#${run_id}`;
}

export function stateKey(tenant: string, run_id: string): Key {
  return { pk: runPartition(tenant, run_id), sk: 'state' };
}

/** A host call of the run and its answer. */
export function stepKey(tenant: string, run_id: string, seq: number): Key {
  return { pk: runPartition(tenant, run_id), sk: `${stepPrefix}${padded(seq)}` };
}

export const stepPrefix = 'step#';

export function eventKey(tenant: string, run_id: string, id: number): Key {
  return { pk: runPartition(tenant, run_id), sk: `${eventPrefix}${padded(id)}` };
}

export const eventPrefix = 'event#';

/** A chat (or a tool call) that waits for a tool of the script. */
export function pendingName(call_id: string): string {
  return `pending#${call_id}`;
}

export function replyName(seq: number): string {
  return `reply#${padded(seq)}`;
}

/** Who is at a piece of work that one machine alone may do. */
export function claimKey(tenant: string, run_id: string, work: string): Key {
  return { pk: runPartition(tenant, run_id), sk: `claim#${work}` };
}

/** One part of a text that may be larger than an item. */
export function textKey(tenant: string, run_id: string, name: string, part: number): Key {
  return { pk: runPartition(tenant, run_id), sk: `text#${name}#${padded(part)}` };
}

export function textPrefix(name: string): string {
  return `text#${name}#`;
}

/** How many runs of a key are under way. */
export function slotsKey(tenant: string, api_key_id: string): Key {
  return { pk: `t#${tenant}#run-slots#${api_key_id}`, sk: '-' };
}

/** Ten digits: host calls end at 100,000 and events at 1 MiB of them, both far below. */
function padded(number: number): string {
  return String(number).padStart(10, '0');
}
