import { Buffer } from 'node:buffer';
import type { Call, NewId, Now } from '../call.ts';
import type { Judge, Judged } from '../decisions/judge.ts';
import type { Screens } from '../gates/screening.ts';
import { SignetError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { CapabilityUnavailableError } from '../ports/compute.ts';
import type { RemoteScriptHost, ScriptHost, ScriptLimits } from '../ports/script-host.ts';
import type { Operation, Table } from '../ports/table.ts';
import type { Scripts } from '../scripts/scripts.ts';
import { checkSource, digestOf, sourceItem } from '../scripts/source-item.ts';
import { clampLimits, type Limits } from './clamp-limits.ts';
import { slotsKey, stateKey, textKey } from './keys.ts';
import { putJson } from './long-text.ts';
import { runItem, type RunRow } from './run-row.ts';
import type { RunRequest } from './runs.ts';

export interface CreateParts {
  readonly table: Table;
  readonly jobs: Jobs;
  readonly judge: Judge;
  readonly screens: Screens;
  readonly scripts: Scripts;
  readonly host: () => ScriptHost | RemoteScriptHost;
  readonly now: Now;
  readonly newId: NewId;
  readonly limits: Limits;
}

export interface NewRun {
  readonly source: string;
  readonly file_name: string;
  readonly argv: readonly string[];
  readonly input: Json;
  readonly limits: ScriptLimits;
  readonly model?: string;
  readonly tier?: 'edge' | 'local' | 'pool';
  readonly tools?: readonly string[] | 'auto';
  readonly call_tool?: { readonly name: string; readonly args: JsonObject };
}

/** A run that waited this long for an engine or a worker is given up: whoever asked is gone. */
const patience_ms = 3_600_000;

/** Checks, decides, stores and wakes. */
export async function createRun(parts: CreateParts, call: Call, request: RunRequest): Promise<Judged<RunRow>> {
  const { table, jobs, judge, now } = parts;
  checkDepth(call, parts.limits);
  const run = await checkedRun(parts, call, request);
  const digest = digestOf(run.source);
  const judged = await judge.decide(
    call,
    {
      action: 'runScript',
      resource: { type: 'Script', id: digest },
      facts: { operation: 'run' },
      request: { script: digest, argv: run.argv, input: run.input },
      gates: parts.screens.of('runScript', {
        texts: [run.source, ...run.argv, ...(run.input === null ? [] : [JSON.stringify(run.input)])],
        bytes_max: textBytesMax(parts.limits),
      }),
    },
    async () => {
      assertEngine(parts.host);
      const stored = await storeRun(parts, call, run, { takes_slot: call.principal.kind === 'key' });
      return { value: stored, outcome: { detail: { run: stored.row.id, script: digest } } };
    },
  );
  const { row, job_id } = judged.value;
  await table.write(
    { kind: 'update', key: stateKey(row.tenant, row.id), set: { decision_receipt: judged.receipt } },
    now(),
  );
  // The due row is written: without this message the next sweep finds it, only later, and the run is there all the same.
  await jobs.wake(job_id).catch(() => undefined);
  return { value: { ...row, decision_receipt: judged.receipt }, receipt: judged.receipt };
}

/** Run, script, input, slot and job in one transaction: there is no run without its job, and no job without its run. */
export async function storeRun(
  { table, jobs, now, newId, limits }: Pick<CreateParts, 'table' | 'jobs' | 'now' | 'newId' | 'limits'>,
  call: Call,
  run: NewRun,
  { takes_slot }: { takes_slot: boolean },
): Promise<{ row: RunRow; job_id: string }> {
  const { id: principal_id, kind, tenant, scopes } = call.principal;
  const created_at = now();
  const expires_at = Math.floor(created_at / 1000) + limits.runs.kept_days * 86_400;
  const { source, input, ...settings } = run;
  const job_id = newId();
  const row: RunRow = {
    ...settings,
    id: newId(),
    tenant,
    state: 'queued',
    principal: { kind, id: principal_id },
    scopes,
    request_id: call.request_id,
    depth: call.depth,
    script_digest: digestOf(source),
    job_id,
    takes_slot,
    created_at,
    give_up_at: created_at + patience_ms + run.limits.wall_ms,
    expires_at,
    attempt: 0,
    lost: 0,
  };
  const operations: readonly Operation[] = [
    { kind: 'put', key: stateKey(tenant, row.id), item: runItem(row), conditions: [{ kind: 'absent' }] },
    { kind: 'put', key: textKey(tenant, row.id, 'script', 0), item: { ...sourceItem(source), expires_at } },
    ...putJson({ tenant, run_id: row.id, name: 'input' }, input, expires_at),
    ...jobs.creation({
      id: job_id,
      kind: 'run',
      tenant,
      principal: principal_id,
      payload: { run_id: row.id, tenant },
      next_at: created_at,
      // The run itself knows when to give up and says so on its row; its job must live a little longer to do that.
      deadline_at: row.give_up_at + patience_ms,
      depth: call.depth,
    }),
  ];
  await writeWithSlot({ table, now, limits }, row, operations);
  return { row, job_id };
}

/** Counts the run among those of its key in the same transaction, so that no crash can leave a slot taken. */
async function writeWithSlot(
  { table, now, limits }: Pick<CreateParts, 'table' | 'now' | 'limits'>,
  row: RunRow,
  operations: readonly Operation[],
): Promise<void> {
  if (!row.takes_slot) {
    await table.transact(operations, now());
    return;
  }
  const key = slotsKey(row.tenant, row.principal.id);
  for (let tries = 0; tries < 8; tries += 1) {
    const first = (await table.get(key, now())) === undefined;
    const take: Operation = first
      ? { kind: 'put', key, item: { count: 1 }, conditions: [{ kind: 'absent' }] }
      : {
          kind: 'update',
          key,
          add: { count: 1 },
          conditions: [{ kind: 'less', field: 'count', value: limits.runs.per_key }],
        };
    const answer = await table.transact([take, ...operations], now());
    if (answer.kind === 'written') return;
    if (answer.condition.kind === 'less') {
      throw new SignetError({
        code: 'queue_full',
        detail: `expected at most ${limits.runs.per_key} runs of one key at a time`,
        retry_after_s: 1,
      });
    }
  }
  throw new SignetError({ code: 'write_conflict', detail: 'other runs of this key were created at the same moment' });
}

export function checkDepth(call: Call, limits: Limits): void {
  if (call.depth < limits.nesting_depth_max) return;
  throw new SignetError({
    code: 'invalid_request',
    detail: `expected scripts and chats nested at most ${limits.nesting_depth_max} deep`,
    reason: 'nesting_depth',
  });
}

/** A run that nobody could execute is refused at once, with the reason, instead of waiting. */
export function assertEngine(host: () => ScriptHost | RemoteScriptHost): void {
  try {
    host();
  } catch (error) {
    if (!(error instanceof CapabilityUnavailableError)) throw error;
    const { reason, step, ready_in_s } = error.state;
    throw new SignetError(
      {
        code: 'capability_unavailable',
        detail: step === undefined ? `\`run\` is unavailable: ${reason}` : `\`run\` is not ready yet: ${step}`,
        reason: 'run',
        ...(ready_in_s === undefined ? {} : { retry_after_s: ready_in_s }),
      },
      { cause: error },
    );
  }
}

async function checkedRun({ scripts, limits }: CreateParts, call: Call, request: RunRequest): Promise<NewRun> {
  const { argv, input, model, tier, tools } = request;
  const size = { argv: bytesOf(argv), input: bytesOf(input) };
  if (size.argv > limits.runs.argv_bytes_max) throw tooLong('argv', size.argv, limits.runs.argv_bytes_max);
  if (size.input > limits.runs.input_bytes_max) throw tooLong('input', size.input, limits.runs.input_bytes_max);
  const checked_limits = clampLimits(request.limits, limits);
  const { source, file_name } = await sourceFor(scripts, call, request);
  return {
    source,
    file_name: fileName(request.file_name ?? file_name),
    argv,
    input,
    limits: checked_limits,
    ...(model === undefined ? {} : { model }),
    ...(tier === undefined ? {} : { tier }),
    ...(tools === undefined ? {} : { tools }),
  };
}

async function sourceFor(
  scripts: Scripts,
  call: Call,
  { script, script_ref }: RunRequest,
): Promise<{ source: string; file_name: string }> {
  if ((script === undefined) === (script_ref === undefined)) {
    throw new SignetError({
      code: 'invalid_request',
      detail: `expected one of \`script\` and \`script_ref\`, got ${script === undefined ? 'neither' : 'both'}`,
      param: 'script',
    });
  }
  if (script !== undefined) {
    checkSource(script, 'script');
    return { source: script, file_name: 'script.py' };
  }
  const [name = '', digest] = (script_ref ?? '').split('@', 2);
  const stored = await scripts.get(call, { name, ...(digest === undefined ? {} : { digest }) });
  return { source: stored.source, file_name: `${name}.py` };
}

/** It stands in tracebacks and on terminals. */
function fileName(given: string): string {
  const name = given.split(/[\\/]/).at(-1) ?? '';
  if (/^[^\p{C}]{1,128}$/u.test(name)) return name;
  throw new SignetError({
    code: 'invalid_request',
    detail: 'expected `file_name` of 1 to 128 printable characters',
    param: 'file_name',
  });
}

/** Each part is within its own limit by now. */
function textBytesMax({ runs }: Limits): number {
  return runs.script_bytes_max + runs.input_bytes_max + runs.argv_bytes_max;
}

function bytesOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value), 'utf8');
}

function tooLong(param: string, bytes: number, most: number): SignetError {
  return new SignetError({
    code: 'invalid_request',
    detail: `expected \`${param}\` of at most ${most} bytes of JSON, got ${bytes}`,
    param,
  });
}
