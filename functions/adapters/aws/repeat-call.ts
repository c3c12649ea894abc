import { setTimeout as sleepFor } from 'node:timers/promises';
import { failureOf } from './call-failure.ts';
import type { CallFailure } from './call-failure.ts';

export interface RepeatRules {
  /** Milliseconds from the first attempt within which another may begin. */
  readonly deadline_ms: number;
  /** The longest wait before attempt n is `min(wait_ms_max, wait_ms_base * 2 ** (n - 1))`; the wait is a random part of it. */
  readonly wait_ms_base: number;
  readonly wait_ms_max: number;
  readonly sleep: (ms: number) => Promise<unknown>;
  /** 0 <= x < 1. */
  readonly random: () => number;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
}

/** Waits in whole, not on top of it, are random: clients that failed together come back apart. */
export const usual_rules: RepeatRules = {
  deadline_ms: 5000,
  wait_ms_base: 20,
  wait_ms_max: 1000,
  sleep: sleepFor,
  random: Math.random,
  clock: () => performance.now(),
};

/** A service that did not take a call within the deadline, or refuses it for good. */
export class CallFailedError extends Error {
  override readonly name = 'CallFailedError';
  readonly failure: CallFailure;

  constructor(failure: CallFailure, options: { cause: unknown }) {
    super(`the call failed: ${failure}`, options);
    this.failure = failure;
  }
}

/**
 * Repeats `attempt` while its failures pass with time, within the deadline. `attempt` learns whether an earlier one may
 * have been carried out although its answer was lost. A failure in `final` is not repeated. Throws `CallFailedError`.
 */
export async function repeatCall<T>(
  attempt: (state: { readonly may_be_done: boolean }) => Promise<T>,
  { rules, final = [] }: { rules: RepeatRules; final?: readonly CallFailure[] },
): Promise<T> {
  const end = rules.clock() + rules.deadline_ms;
  let may_be_done = false;
  for (let tried = 1; ; tried += 1) {
    try {
      return await attempt({ may_be_done });
    } catch (cause) {
      // A call within this one has been repeated already; a `TypeError` is a bug of the caller's.
      if (cause instanceof CallFailedError || cause instanceof TypeError) throw cause;
      const failure = failureOf(cause);
      const wait_ms = rules.random() * Math.min(rules.wait_ms_max, rules.wait_ms_base * 2 ** (tried - 1));
      if (failure === 'unknown') may_be_done = true;
      const is_last = failure === 'permanent' || final.includes(failure) || rules.clock() + wait_ms >= end;
      if (is_last) {
        // Not started at all and possibly done are different news: the worst that happened counts.
        const worst = may_be_done && failure !== 'permanent' ? 'unknown' : failure;
        throw new CallFailedError(worst, { cause });
      }
      await rules.sleep(wait_ms);
    }
  }
}
