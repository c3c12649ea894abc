import type { JsonObject } from '../json.ts';
import type { Operation } from '../ports/table.ts';

/** What outlives a request: `waiting → leased → done | waiting(next_at) | dead(reason)`. */
export interface Job {
  readonly id: string;
  readonly kind: string;
  readonly tenant: string;
  readonly principal: string;
  readonly payload: JsonObject;
  readonly state: 'waiting' | 'leased' | 'done' | 'dead';
  readonly attempt: number;
  /** Unix milliseconds. */
  readonly next_at: number;
  readonly deadline_at: number;
  readonly depth: number;
  readonly reason?: string;
}

export interface NewJob {
  readonly id: string;
  readonly kind: string;
  readonly tenant: string;
  readonly principal: string;
  readonly payload: JsonObject;
  readonly next_at: number;
  readonly deadline_at: number;
  readonly depth: number;
}

/** What a step says of itself. A thrown error is `retry` until the deadline, then `dead`. */
export type StepResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'retry'; readonly delay_ms: number; readonly reason: string }
  /** Something outside goes on with it: looked at again at `until` (Unix milliseconds), as if for the first time. */
  | { readonly kind: 'wait'; readonly until: number; readonly reason: string }
  | { readonly kind: 'dead'; readonly reason: string };

export type JobStep = (step: { job: Job; signal: AbortSignal }) => Promise<StepResult>;

export interface Jobs {
  /** Operations to put into the transaction of what causes the job (outbox): job row and due row. */
  creation(job: NewJob): readonly Operation[];
  /** Sends the wake-up message; losing it harms nothing, `sweepDue` finds the row. */
  wake(job_id: string): Promise<void>;
  /** Takes the job under a lease, runs its step, closes or reschedules it. Closing twice is success. */
  advance(
    job_id: string,
    signal: AbortSignal,
  ): Promise<'done' | 'rescheduled' | 'dead' | 'not_due' | 'leased_elsewhere'>;
  /** Has a job that waits looked at by `at` (Unix milliseconds) instead of later; one that is leased or closed stays as it is. */
  hasten(job_id: string, at: number): Promise<void>;
  /** Closes a job whose work was done elsewhere, whoever holds it: a step under way cannot settle it any more. */
  close(job_id: string): Promise<void>;
  /** Re-sends what is due and takes back what a dead worker held. Answers how many were woken. */
  sweepDue(): Promise<number>;
  /**
   * Frees every lease that these `Jobs` did not hand out: its job is due at once. Only for a host which knows that no
   * other worker lives (the lock of a home says so). May be repeated, also after one that died half-way, and beside
   * steps that run here already. Answers how many leases it freed.
   */
  reclaimAll(): Promise<number>;
  get(job_id: string): Promise<Job | undefined>;
}
