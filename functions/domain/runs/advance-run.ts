import { Buffer } from 'node:buffer';
import type { Call, RandomBytes } from '../call.ts';
import type { JsonObject } from '../json.ts';
import { CapabilityUnavailableError } from '../ports/compute.ts';
import {
  completionWithout,
  InterpreterCrashError,
  type ScriptCompletion,
  type ScriptHost,
  type ScriptStart,
} from '../ports/script-host.ts';
import { sourceOf } from '../scripts/source-item.ts';
import type { Tools } from '../tools/tools.ts';
import { methodNames } from './call-arguments.ts';
import { finishRun, type FinishParts } from './finish-run.ts';
import { lastStep } from './journal.ts';
import { stateKey, textKey } from './keys.ts';
import type { LiveRuns } from './live-runs.ts';
import { getJson, putJson } from './long-text.ts';
import { asRead, hasEnded, runRow, type RunRow } from './run-row.ts';
import { makeToken, tokenDigest } from './run-token.ts';
import { isOfScript } from './script-tools.ts';

export interface AdvanceParts extends FinishParts {
  readonly host: () => ScriptHost;
  readonly live: LiveRuns;
  readonly tools: Tools;
  readonly random: RandomBytes;
}

/** Attempts whose process vanished, after which the script itself is taken for the cause. */
const lost_max = 3;
/** They travel in a header of 64 KiB. A chat looks up the names that it offers in any case. */
const registry_names_max = 512;

/**
 * One attempt of a run, or its end. Whatever the state says decides: a job that comes twice, late, or after a lost
 * process finds out here what is left to do.
 */
export async function advanceRun(
  parts: AdvanceParts,
  job: { payload: JsonObject; signal: AbortSignal },
): Promise<void> {
  const { run_id, tenant } = job.payload as { readonly run_id: string; readonly tenant: string };
  const key = stateKey(tenant, run_id);
  for (;;) {
    const item = await parts.table.get(key, parts.now());
    if (item === undefined) return;
    const row = runRow(item);
    if (hasEnded(row)) return;
    const end = await endBeforeStart(parts, row);
    if (end !== undefined) {
      await finishRun(parts, row, end);
      return;
    }
    const again = await attempt(parts, row, job.signal);
    if (!again) return;
  }
}

/** Why this run must not be started (again), as its completion. */
async function endBeforeStart({ table, now }: AdvanceParts, row: RunRow): Promise<ScriptCompletion | undefined> {
  if (row.cancel_requested === true) return completionWithout({ state: 'cancelled', exit_code: 130 });
  if (row.verdict !== undefined) return completionWithout({ state: 'failed', exit_code: row.verdict.exit_code });
  if (now() > row.give_up_at) {
    return failed('RunGivenUp', 'run_timeout', 'the run could not be started or resumed in time');
  }
  if (row.state === 'running' && row.lost + 1 > lost_max) {
    return failed('InterpreterCrash', 'interpreter_crash', `the process was lost under the run ${lost_max} times`);
  }
  const step = await lastStep(table, row, now());
  if (step?.state === 'intent' && !step.repeatable) {
    const message = `call ${step.seq} (\`${step.method}\`) was begun by a process that was lost; it may have taken effect`;
    return failed('OutcomeUnknown', 'outcome_unknown', message);
  }
  return undefined;
}

/** True when the run should be tried once more at once. */
async function attempt(parts: AdvanceParts, row: RunRow, signal: AbortSignal): Promise<boolean> {
  const host = parts.host();
  // Open before the row says `running`: from then on a cancellation finds whom to stop.
  const session = parts.live.open(row.id, () => host.cancel(row.id));
  const started = await begin(parts, row);
  if (started === undefined) {
    session.close();
    return false;
  }
  const { run, token } = started;
  const handOver = (): void => session.stop();
  signal.addEventListener('abort', handOver);
  if (signal.aborted) handOver();
  let completion: ScriptCompletion;
  try {
    await parts.events.append(run, [{ event: 'run', data: { id: run.id, state: 'running', attempt: run.attempt } }]);
    const start = await startOf(parts, run, token);
    completion = session.signal.aborted
      ? completionWithout({ state: 'cancelled', exit_code: 130 })
      : await host.start(start, (event) => parts.events.output(run, event));
  } catch (error) {
    if (signal.aborted || error instanceof CapabilityUnavailableError) {
      await putBack(parts, run);
      throw error;
    }
    if (error instanceof InterpreterCrashError && (await mayRetry(parts, run))) return true;
    const crashed = error instanceof InterpreterCrashError;
    completion = crashed
      ? failed('InterpreterCrash', 'interpreter_crash', 'the process of the interpreter was lost under the run')
      : failed('InternalError', 'internal', 'an error of the node ended the run');
  } finally {
    signal.removeEventListener('abort', handOver);
    session.close();
  }
  const current = await currentRow(parts, run);
  if (current === undefined) return false;
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
  return false;
}

/** Takes the run for a new attempt, with a token of its own; undefined when another worker was faster. */
async function begin(
  { table, now, random, limits }: AdvanceParts,
  row: RunRow,
): Promise<{ run: RunRow; token: string } | undefined> {
  const attempt_number = row.attempt + 1;
  const token = makeToken({ tenant: row.tenant, attempt: attempt_number, random });
  const started_at = now();
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
        token_expires_at: started_at + row.limits.wall_ms + limits.runs.token_grace_ms,
        ...(row.seed === undefined
          ? {
              seed: Buffer.from(random(8)).readBigUInt64BE().toString(),
              clock_base_ms: started_at,
              started_at,
            }
          : {}),
      },
    },
    started_at,
  );
  const item = answer.kind === 'written' ? answer.items[0] : undefined;
  return item === undefined ? undefined : { run: runRow(item), token };
}

async function startOf(parts: AdvanceParts, run: RunRow, token: string): Promise<ScriptStart> {
  const { table, now } = parts;
  const source = await table.get(textKey(run.tenant, run.id, 'script', 0), now());
  const input = await getJson(table, { tenant: run.tenant, run_id: run.id, name: 'input' }, now());
  if (source === undefined || run.seed === undefined || run.clock_base_ms === undefined) {
    throw new Error(`run ${run.id} lacks its script or its seed`);
  }
  return {
    run_id: run.id,
    tenant: run.tenant,
    token,
    script: sourceOf(source),
    file_name: run.file_name,
    argv: run.argv,
    input: input ?? null,
    seed: run.seed,
    clock_base_ms: run.clock_base_ms,
    dry_run: false,
    limits: run.limits,
    registry_tools: await registryNames(parts, run),
    ...(run.call_tool === undefined ? {} : { call_tool: run.call_tool }),
  };
}

/** Names that the script's tools may not take, as they were at the first attempt: a resumed run takes the same road. */
async function registryNames({ table, now, tools }: AdvanceParts, run: RunRow): Promise<readonly string[]> {
  const place = { tenant: run.tenant, run_id: run.id, name: 'registry-tools' };
  const known = await getJson(table, place, now());
  if (known !== undefined) return known as readonly string[];
  const call: Call = {
    principal: { kind: 'run', id: run.id, tenant: run.tenant, scopes: run.scopes },
    request_id: run.request_id,
    nextStatement: () => run.attempt * 1e10,
    depth: run.depth + 1,
    signal: new AbortController().signal,
  };
  // Whoever may not list tools learns no names; each call of theirs is judged by itself in any case.
  const manifests = await tools.list(call).catch(() => []);
  const names = manifests
    .filter((manifest) => !isOfScript(manifest, run.script_digest))
    .map(({ name }) => name)
    .slice(0, registry_names_max);
  await table.transact(putJson(place, names, run.expires_at), now());
  return names;
}

/** An interpreter that was lost gets one more try, unless something outside was changed already. */
async function mayRetry({ table, now }: AdvanceParts, run: RunRow): Promise<boolean> {
  const step = await lastStep(table, run, now());
  return run.lost === 0 && (step?.totals.effects ?? 0) === 0;
}

async function putBack({ table, now, events }: AdvanceParts, run: RunRow): Promise<void> {
  events.close(run.id);
  await table.write(
    {
      kind: 'update',
      key: stateKey(run.tenant, run.id),
      conditions: asRead({ state: 'running', attempt: run.attempt }),
      set: { state: 'queued' },
    },
    now(),
  );
}

/** As it is now, with a verdict or a cancellation; undefined when a later attempt has it. */
async function currentRow({ table, now }: AdvanceParts, run: RunRow): Promise<RunRow | undefined> {
  const item = await table.get(stateKey(run.tenant, run.id), now());
  const current = item === undefined ? undefined : runRow(item);
  return current?.attempt === run.attempt && !hasEnded(current) ? current : undefined;
}

function failed(type: string, code: string, message: string): ScriptCompletion {
  return completionWithout({ state: 'failed', exit_code: 70, error: { type, code, message } });
}
