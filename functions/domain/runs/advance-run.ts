import type { RandomBytes } from '../call.ts';
import type { StepResult } from '../jobs/jobs.ts';
import type { JsonObject } from '../json.ts';
import { CapabilityUnavailableError } from '../ports/compute.ts';
import {
  completionWithout,
  InterpreterCrashError,
  type RemoteScriptHost,
  type ScriptCompletion,
  type ScriptHost,
} from '../ports/script-host.ts';
import type { Tools } from '../tools/tools.ts';
import { beginAttempt, putBack } from './begin-attempt.ts';
import { finishRun, type FinishParts } from './finish-run.ts';
import { handOver, waitFor } from './hand-over.ts';
import { lastStep } from './journal.ts';
import { stateKey } from './keys.ts';
import type { LiveRuns } from './live-runs.ts';
import { crashedCompletion, failedCompletion, lost_max, mayRetry } from './lost-attempt.ts';
import { hasEnded, isElsewhere, mustStop, runRow, type RunRow } from './run-row.ts';
import { scriptStart } from './script-start.ts';

export interface AdvanceParts extends FinishParts {
  readonly host: () => ScriptHost | RemoteScriptHost;
  readonly live: LiveRuns;
  readonly tools: Tools;
  readonly random: RandomBytes;
}

/**
 * One attempt of a run, or its end. Whatever the state says decides: a job that comes twice, late, or after a lost
 * process finds out here what is left to do. An attempt that another machine executes is waited for, not counted.
 */
export async function advanceRun(
  parts: AdvanceParts,
  job: { payload: JsonObject; signal: AbortSignal },
): Promise<StepResult> {
  const { run_id, tenant } = job.payload as { readonly run_id: string; readonly tenant: string };
  const key = stateKey(tenant, run_id);
  for (;;) {
    const item = await parts.table.get(key, parts.now());
    if (item === undefined) return { kind: 'done' };
    const row = runRow(item);
    if (hasEnded(row)) return { kind: 'done' };
    if (isElsewhere(row) && !mustStop(row) && parts.now() < row.handed_over_until) return waitFor(parts, row);
    const end = await endBeforeStart(parts, row);
    if (end !== undefined) {
      await finishRun(parts, row, end);
      return { kind: 'done' };
    }
    const host = parts.host();
    const result =
      'launch' in host ? await handOver(parts, host, row) : await attempt(parts, { host, row, signal: job.signal });
    if (result !== undefined) return result;
  }
}

/** Why this run must not be started (again), as its completion. */
async function endBeforeStart(parts: AdvanceParts, row: RunRow): Promise<ScriptCompletion | undefined> {
  const { table, now } = parts;
  if (row.cancel_requested === true) return completionWithout({ state: 'cancelled', exit_code: 130 });
  if (row.verdict !== undefined) return completionWithout({ state: 'failed', exit_code: row.verdict.exit_code });
  if (now() > row.give_up_at) {
    return failedCompletion('RunGivenUp', 'run_timeout', 'the run could not be started or resumed in time');
  }
  if (row.state === 'running' && row.lost + 1 > lost_max) {
    const message = `the process was lost under the run ${lost_max} times`;
    return failedCompletion('InterpreterCrash', 'interpreter_crash', message);
  }
  const step = await lastStep(table, row, now());
  if (step?.state === 'intent' && !step.repeatable) {
    const message = `call ${step.seq} (\`${step.method}\`) was begun by a process that was lost; it may have taken effect`;
    return failedCompletion('OutcomeUnknown', 'outcome_unknown', message);
  }
  // A worker's process that vanished says nothing of the script; a machine that began it and fell silent does.
  if (isElsewhere(row) && row.engine !== null && !(await mayRetry(parts, row))) return crashedCompletion();
  return undefined;
}

/** Runs it here; undefined when the run should be looked at once more at once. */
async function attempt(
  parts: AdvanceParts,
  { host, row, signal }: { host: ScriptHost; row: RunRow; signal: AbortSignal },
): Promise<StepResult | undefined> {
  // Open before the row says `running`: from then on a cancellation finds whom to stop.
  const session = parts.live.open(row.id, () => host.cancel(row.id));
  const begun = await beginAttempt(parts, row, { is_handed_over: false });
  if (begun === undefined) {
    session.close();
    return { kind: 'done' };
  }
  const { run, token } = begun;
  const giveUp = (): void => session.stop();
  signal.addEventListener('abort', giveUp);
  if (signal.aborted) giveUp();
  let completion: ScriptCompletion;
  try {
    await parts.events.append(run, [{ event: 'run', data: { id: run.id, state: 'running', attempt: run.attempt } }]);
    const start = await scriptStart(parts, run, token);
    completion = session.signal.aborted
      ? completionWithout({ state: 'cancelled', exit_code: 130 })
      : await host.start(start, (event) => parts.events.output(run, event));
  } catch (error) {
    if (signal.aborted || error instanceof CapabilityUnavailableError) {
      await putBack(parts, run);
      throw error;
    }
    if (error instanceof InterpreterCrashError && (await mayRetry(parts, run))) return undefined;
    completion =
      error instanceof InterpreterCrashError
        ? crashedCompletion()
        : failedCompletion('InternalError', 'internal', 'an error of the node ended the run');
  } finally {
    signal.removeEventListener('abort', giveUp);
    session.close();
  }
  const current = await currentRow(parts, run);
  if (current === undefined) return { kind: 'done' };
  if (
    signal.aborted &&
    completion.state === 'cancelled' &&
    current.cancel_requested !== true &&
    current.verdict === undefined
  ) {
    await putBack(parts, run);
    throw new Error('the run was interrupted; another worker goes on with it');
  }
  await finishRun(parts, current, completion);
  parts.events.close(run.id);
  return { kind: 'done' };
}

/** As it is now, with a verdict or a cancellation; undefined when a later attempt has it. */
async function currentRow({ table, now }: AdvanceParts, run: RunRow): Promise<RunRow | undefined> {
  const item = await table.get(stateKey(run.tenant, run.id), now());
  const current = item === undefined ? undefined : runRow(item);
  return current?.attempt === run.attempt && !hasEnded(current) ? current : undefined;
}
