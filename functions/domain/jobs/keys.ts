import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Key } from '../ports/table.ts';

/** The job itself. Node-wide: the tenant is a field. */
export function jobKey(job_id: string): Key {
  return { pk: `job#${job_id}`, sk: '-' };
}

/** When the job has to be looked at next: at `due_at` (Unix milliseconds). */
export function dueKey(job_id: string, due_at: number): Key {
  return { pk: dueShard(shardOf(job_id)), sk: `${padded(due_at)}#${job_id}` };
}

/** The due row that a job's `due_sk` names. */
export function dueKeyOf(job_id: string, due_sk: string): Key {
  return { pk: dueShard(shardOf(job_id)), sk: due_sk };
}

/** The job that a due row, `<due>#<job id>`, belongs to: the padded time has no `#`. */
export function jobIdOf(due_sk: string): string {
  return due_sk.slice(due_sk.indexOf('#') + 1);
}

export function dueShard(shard: number): string {
  return `due#${String(shard).padStart(2, '0')}`;
}

/** Inclusive upper bound of a shard's rows that are due at `now`: no row ends in a bare number. */
export function dueUntil(now: number): string {
  return padded(now + 1);
}

/** FNV-1a over the id: only evenness matters, and that the answer never changes. */
function shardOf(job_id: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < job_id.length; index += 1) {
    hash = Math.imul(hash ^ job_id.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % limits.jobs.due_shards;
}

/** 15 digits last until the year 33658. */
function padded(unix_ms: number): string {
  return String(Math.max(0, Math.floor(unix_ms))).padStart(15, '0');
}
