import { Buffer } from 'node:buffer';
import type { Now, RandomBytes } from '../call.ts';
import type { Table } from '../ports/table.ts';
import { methodNames } from './call-arguments.ts';
import type { Limits } from './clamp-limits.ts';
import { stateKey } from './keys.ts';
import type { RunEvents } from './run-events.ts';
import { asRead, runRow, type RunRow } from './run-row.ts';
import { makeToken, tokenDigest } from './run-token.ts';

export interface AttemptParts {
  readonly table: Table;
  readonly events: RunEvents;
  readonly now: Now;
  readonly random: RandomBytes;
  readonly limits: Limits;
}

/**
 * Takes the run for a new attempt, with a token of its own; undefined when another worker was faster. An attempt that is
 * handed over has until `pickup_ms` to be fetched, and its time begins with that (`answer-engine.ts`).
 */
export async function beginAttempt(
  { table, now, random, limits }: AttemptParts,
  row: RunRow,
  { is_handed_over }: { is_handed_over: boolean },
): Promise<{ run: RunRow; token: string } | undefined> {
  const attempt_number = row.attempt + 1;
  const token = makeToken({ tenant: row.tenant, attempt: attempt_number, random });
  const started_at = now();
  const pickup_until = started_at + limits.runs.pickup_ms;
  const answer = await table.write(
    {
      kind: 'update',
      key: stateKey(row.tenant, row.id),
      conditions: asRead(row),
      set: {
        state: 'running',
        attempt: attempt_number,
        lost: row.state === 'running' ? row.lost + 1 : row.lost,
        token_sha256: tokenDigest(token),
        token_methods: methodNames,
        ...(is_handed_over
          ? { token_expires_at: pickup_until, handed_over_until: pickup_until, engine: null }
          : { token_expires_at: started_at + row.limits.wall_ms + limits.runs.token_grace_ms }),
        ...(row.seed === undefined
          ? {
              seed: Buffer.from(random(8)).readBigUInt64BE().toString(),
              clock_base_ms: started_at,
              started_at,
            }
          : {}),
      },
      ...(is_handed_over ? {} : { remove: ['handed_over_until', 'engine'] }),
    },
    started_at,
  );
  const item = answer.kind === 'written' ? answer.items[0] : undefined;
  return item === undefined ? undefined : { run: runRow(item), token };
}

/** Gives the run back to the next worker as if the attempt had not been; `lost` where it counts as one all the same. */
export async function putBack(
  { table, now, events }: Pick<AttemptParts, 'table' | 'now' | 'events'>,
  run: RunRow,
  { lost = 0 }: { lost?: number } = {},
): Promise<void> {
  events.close(run.id);
  await table.write(
    {
      kind: 'update',
      key: stateKey(run.tenant, run.id),
      conditions: asRead({ state: 'running', attempt: run.attempt }),
      set: { state: 'queued' },
      add: { lost },
    },
    now(),
  );
}
