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
  /** Whether an attempt before the last one may have been carried out although its answer was lost. */
  readonly was_unheard: boolean;

  constructor(facts: { failure: CallFailure; was_unheard: boolean }, options: { cause: unknown }) {
    super(`the call failed: ${facts.failure}`, options);
    this.failure = facts.failure;
    this.was_unheard = facts.was_unheard;
  }
}

/**
 * Repeats `attempt` while its failures pass with time, within the deadline. A failure in `final` is not repeated. Throws
 * `CallFailedError`.
 */
export async function repeatCall<T>(
  attempt: () => Promise<T>,
  { rules, final = [] }: { rules: RepeatRules; final?: readonly CallFailure[] },
): Promise<T> {
  const end = rules.clock() + rules.deadline_ms;
  let was_unheard = false;
  for (let tried = 1; ; tried += 1) {
    try {
      return await attempt();
    } catch (cause) {
      // A call within this one has been repeated already; a `TypeError` is a bug of the caller's.
      if (cause instanceof CallFailedError || cause instanceof TypeError) throw cause;
      const last = failureOf(cause);
      // Not carried out and perhaps carried out are different news: of passing failures the worst one counts.
      const failure = last === 'busy' && was_unheard ? 'unknown' : last;
      const wait_ms = rules.random() * Math.min(rules.wait_ms_max, rules.wait_ms_base * 2 ** (tried - 1));
      if (last === 'permanent' || final.includes(last) || rules.clock() + wait_ms >= end) {
        throw new CallFailedError({ failure, was_unheard }, { cause });
      }
      was_unheard ||= last === 'unknown';
      await rules.sleep(wait_ms);
    }
  }
}
