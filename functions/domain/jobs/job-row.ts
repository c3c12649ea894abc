import type { Delete, Item, Put, Update } from '../ports/table.ts';
import type { Job, NewJob } from './jobs.ts';
import { dueKey, dueKeyOf, jobKey } from './keys.ts';

/** How long a closed job can still be asked for. */
const closed_kept_s = 7 * 24 * 3600;

/** A job as it is stored. `due_sk` names its one due row: due = max(`next_at`, `lease_until`). */
export type JobRow = Job & {
  readonly due_sk: string;
  readonly lease_token?: string;
  /** Unix milliseconds. */
  readonly lease_until?: number;
};

/** Only this file writes job rows, so what comes back has this shape. */
export function readJobRow(item: Item): JobRow {
  return item as unknown as JobRow;
}

export function jobOf(row: JobRow): Job {
  const { id, kind, tenant, principal, payload, state, attempt, next_at, deadline_at, depth, reason } = row;
  const job = { id, kind, tenant, principal, payload, state, attempt, next_at, deadline_at, depth };
  return reason === undefined ? job : { ...job, reason };
}

/** The two rows of a new job. */
export function createRows(job: NewJob): [Put, Put] {
  const { id, kind, tenant, principal, payload, next_at, deadline_at, depth } = job;
  const due = dueKey(id, next_at);
  const item = { id, kind, tenant, principal, payload, next_at, deadline_at, depth };
  return [
    {
      kind: 'put',
      key: jobKey(id),
      item: { ...item, state: 'waiting', attempt: 0, due_sk: due.sk },
      conditions: [{ kind: 'absent' }],
    },
    { kind: 'put', key: due, item: { job_id: id, tenant } },
  ];
}

/** Takes a waiting job, or one whose lease ran out; refused when somebody else was faster. */
export function takeRows(row: JobRow, lease: { token: string; until: number }): (Put | Update | Delete)[] {
  const due = dueKey(row.id, lease.until);
  const seen =
    row.lease_token === undefined
      ? ({ kind: 'equals', field: 'state', value: row.state } as const)
      : ({ kind: 'equals', field: 'lease_token', value: row.lease_token } as const);
  return [
    {
      kind: 'update',
      key: jobKey(row.id),
      set: { state: 'leased', lease_token: lease.token, lease_until: lease.until, due_sk: due.sk },
      add: { attempt: 1 },
      conditions: [seen, { kind: 'equals', field: 'due_sk', value: row.due_sk }],
    },
    ...moveDue(row, due.sk),
  ];
}

/** Lengthens a lease that is still ours. */
export function renewRows(row: JobRow, until: number): (Put | Update | Delete)[] {
  const due = dueKey(row.id, until);
  return [
    {
      kind: 'update',
      key: jobKey(row.id),
      set: { lease_until: until, due_sk: due.sk },
      conditions: [leaseOf(row), { kind: 'equals', field: 'due_sk', value: row.due_sk }],
    },
    ...moveDue(row, due.sk),
  ];
}

/** Gives a leased job back until `next_at`; `attempt` where it is to be counted anew. */
export function rescheduleRows(
  row: JobRow,
  { next_at, reason, attempt }: { next_at: number; reason: string; attempt?: number },
): (Put | Update | Delete)[] {
  const due = dueKey(row.id, next_at);
  return [
    {
      kind: 'update',
      key: jobKey(row.id),
      set: { state: 'waiting', next_at, reason, due_sk: due.sk, ...(attempt === undefined ? {} : { attempt }) },
      remove: ['lease_token', 'lease_until'],
      conditions: [leaseOf(row), { kind: 'equals', field: 'due_sk', value: row.due_sk }],
    },
    ...moveDue(row, due.sk),
  ];
}

/** Has a waiting job looked at at another time. */
export function hastenRows(row: JobRow, next_at: number): (Put | Update | Delete)[] {
  const due = dueKey(row.id, next_at);
  return [
    {
      kind: 'update',
      key: jobKey(row.id),
      set: { next_at, due_sk: due.sk },
      conditions: [
        { kind: 'equals', field: 'state', value: 'waiting' },
        { kind: 'equals', field: 'due_sk', value: row.due_sk },
      ],
    },
    ...moveDue(row, due.sk),
  ];
}

/** Ends a job: leased ones by their lease, a waiting one by what was read of it. */
export function closeRows(
  row: JobRow,
  end: { state: 'done' | 'dead'; reason?: string },
  now: number,
): (Update | Delete)[] {
  return [
    {
      kind: 'update',
      key: jobKey(row.id),
      set: {
        state: end.state,
        expires_at: Math.floor(now / 1000) + closed_kept_s,
        ...(end.reason === undefined ? {} : { reason: end.reason }),
      },
      remove: ['lease_token', 'lease_until', ...(end.reason === undefined ? ['reason'] : [])],
      conditions: [
        row.lease_token === undefined ? { kind: 'equals', field: 'state', value: row.state } : leaseOf(row),
        { kind: 'equals', field: 'due_sk', value: row.due_sk },
      ],
    },
    { kind: 'delete', key: dueKeyOf(row.id, row.due_sk) },
  ];
}

function leaseOf({ lease_token = '' }: JobRow) {
  return { kind: 'equals', field: 'lease_token', value: lease_token } as const;
}

/** In the same transaction as the job row, so that a job has exactly one due row until it is closed. */
function moveDue(row: JobRow, due_sk: string): (Put | Delete)[] {
  if (due_sk === row.due_sk) return [];
  return [
    { kind: 'delete', key: dueKeyOf(row.id, row.due_sk) },
    { kind: 'put', key: dueKeyOf(row.id, due_sk), item: { job_id: row.id, tenant: row.tenant } },
  ];
}
