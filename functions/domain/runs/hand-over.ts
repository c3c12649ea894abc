import type { StepResult } from '../jobs/jobs.ts';
import { CapabilityUnavailableError } from '../ports/compute.ts';
import type { RemoteScriptHost } from '../ports/script-host.ts';
import { beginAttempt, putBack, type AttemptParts } from './begin-attempt.ts';
import { finishRun, type FinishParts } from './finish-run.ts';
import { failedCompletion } from './lost-attempt.ts';
import type { RunRow } from './run-row.ts';

/**
 * Gives one attempt of the run to another machine; undefined when the row has to be looked at again, as another worker
 * was faster. The row says so before the other machine hears of it: a crash in between is an attempt that nobody fetched.
 */
export async function handOver(
  parts: AttemptParts & FinishParts,
  host: RemoteScriptHost,
  row: RunRow,
): Promise<StepResult | undefined> {
  const begun = await beginAttempt(parts, row, { is_handed_over: true });
  if (begun === undefined) return undefined;
  const { run, token } = begun;
  await parts.events.append(run, [{ event: 'run', data: { id: run.id, state: 'running', attempt: run.attempt } }]);
  try {
    await host.launch({ run_id: run.id, tenant: run.tenant, token });
  } catch (error) {
    if (error instanceof CapabilityUnavailableError) {
      await putBack(parts, run);
      throw error;
    }
    await finishRun(parts, run, failedCompletion('InternalError', 'internal', 'an error of the node ended the run'));
    return { kind: 'done' };
  }
  return waitFor(parts, run);
}

/**
 * The job of a run that another machine executes: due when that must have ended it. While no engine has come for it, the
 * job looks as early as the attempt of one that comes at once would end, for then nothing later tells it.
 */
export function waitFor({ now, limits }: Pick<FinishParts, 'now' | 'limits'>, run: RunRow): StepResult {
  const { handed_over_until = 0, engine } = run;
  const until = engine === null ? Math.min(handed_over_until, now() + attemptMs(run, limits)) : handed_over_until;
  return { kind: 'wait', until, reason: 'handed_over' };
}

/** From the time that an engine fetches its run to that at which the attempt is lost. */
export function attemptMs({ limits: { wall_ms } }: RunRow, { runs }: FinishParts['limits']): number {
  return wall_ms + runs.token_grace_ms + runs.completion_grace_ms;
}
