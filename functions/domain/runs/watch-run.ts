import type { Now } from '../call.ts';
import type { Table } from '../ports/table.ts';
import type { Claim } from './claims.ts';
import { stateKey } from './keys.ts';
import { mustStop, runRow, type RunRow } from './run-row.ts';

export interface WatchedRun {
  /** Aborts when the attempt is over, is to stop, or its work was claimed by another machine. */
  readonly signal: AbortSignal;
  close(): void;
}

const look_every_ms = 1000;
const looks_per_renewal = 5;

/**
 * Looks at a run whose sandbox is elsewhere while this process answers a call of it: whoever cancels it may be on a third
 * machine. The claim on the call is renewed with it.
 */
export function watchRun({ table, now }: { table: Table; now: Now }, run: RunRow, claim: Claim): WatchedRun {
  const controller = new AbortController();
  let looking: Promise<void> | undefined;
  let looks = 0;

  async function look(): Promise<void> {
    looks += 1;
    const item = await table.get(stateKey(run.tenant, run.id), now());
    const is_on = item !== undefined && isCurrent(runRow(item), run.attempt, now());
    const is_mine = looks % looks_per_renewal !== 0 || (await claim.renew());
    if (!is_on || !is_mine) close();
  }

  const timer = setInterval(() => {
    // A table that does not answer now does at the next look, or the claim runs out and is another's.
    looking ??= look()
      .catch(() => undefined)
      .finally(() => (looking = undefined));
  }, look_every_ms);
  // What it watches may ignore its signal; nothing waits for this process on that account.
  timer.unref();

  function close(): void {
    clearInterval(timer);
    controller.abort();
  }

  return { signal: controller.signal, close };
}

/** Whether the attempt goes on: it may still make calls. */
function isCurrent(row: RunRow, attempt: number, now: number): boolean {
  return row.state === 'running' && row.attempt === attempt && !mustStop(row) && now < (row.token_expires_at ?? 0);
}
