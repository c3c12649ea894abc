import type { Call, NewId, Now, RandomBytes } from '../call.ts';
import type { Chat } from '../chat/chat.ts';
import type { Judge } from '../decisions/judge.ts';
import type { Screens } from '../gates/screening.ts';
import type { Embeddings } from '../embeddings/embeddings.ts';
import { SignetError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { completionWithout, type RemoteScriptHost, type ScriptHost } from '../ports/script-host.ts';
import type { Table } from '../ports/table.ts';
import type { Receipts } from '../receipts/receipts.ts';
import type { Scripts } from '../scripts/scripts.ts';
import type { ToolTargets, Tools } from '../tools/tools.ts';
import type { Web } from '../web/web.ts';
import { advanceRun } from './advance-run.ts';
import { makeAnswerCall } from './answer-call.ts';
import { makeAnswerEngine } from './answer-engine.ts';
import type { Limits } from './clamp-limits.ts';
import { assertEngine, checkDepth, createRun, storeRun } from './create-run.ts';
import { describeRun } from './describe-run.ts';
import { finishRun } from './finish-run.ts';
import { stateKey } from './keys.ts';
import { makeLiveRuns } from './live-runs.ts';
import { makeRunEvents } from './run-events.ts';
import { hasEnded, isElsewhere, runRow, type RunRow, type Verdict } from './run-row.ts';
import type { Run, Runs } from './runs.ts';
import { makeWatchers } from './watchers.ts';

export interface RunsParts {
  readonly table: Table;
  readonly jobs: Jobs;
  readonly judge: Judge;
  readonly screens: Screens;
  readonly receipts: Receipts;
  readonly chat: Chat;
  readonly tools: Tools;
  readonly web: Web;
  readonly embeddings: Embeddings;
  readonly scripts: Scripts;
  /** The engine as it is now; throws `CapabilityUnavailableError` while there is none. */
  readonly host: () => ScriptHost | RemoteScriptHost;
  readonly now: Now;
  readonly newId: NewId;
  readonly random: RandomBytes;
  readonly limits: Limits;
}

export interface RunsWithTools extends Runs {
  /** The target `script` of registry tools: a run of its own that calls one `@tool`, waited for. */
  readonly runScriptTool: ToolTargets['script'];
}

/** How often someone who waits looks at the table, in case the run is another process's. */
const poll_ms = 250;

/**
 * Runs of scripts: rows in the table that a job carries forward. What the script asks for comes through `answerCall`;
 * whatever happens to this process, the journal lets another one go on (`advance-run.ts`).
 */
export function makeRuns(parts: RunsParts): RunsWithTools {
  const { table, jobs, judge, now, limits } = parts;
  const watchers = makeWatchers();
  const live = makeLiveRuns();
  const events = makeRunEvents({ table, now, watchers, events_bytes_max: limits.runs.events_bytes_max });
  const finishing = { table, receipts: parts.receipts, events, now, limits };
  const answerCall = makeAnswerCall({ ...parts, events, live, condemn });

  return {
    async create(call, request) {
      const { value, receipt } = await createRun(parts, call, request);
      return { value: await describeRun(table, value, now()), receipt };
    },

    async get(call, { id, wait_ms = 0 }) {
      mayRead(call, id);
      return describeRun(table, await waitForEnd(call, id, wait_ms), now());
    },

    async cancel(call, id) {
      const judgement = {
        action: 'runScript' as const,
        resource: { type: 'Script', id },
        facts: { operation: 'cancel' },
      };
      return judge.decide(call, judgement, async () => {
        const run = await cancelRun(call, await rowOf(call, id));
        return { value: run, outcome: { detail: { run: id, state: run.state } } };
      });
    },

    async events(call, { id, after }) {
      mayRead(call, id);
      return events.follow(await rowOf(call, id), after, call.signal);
    },

    answerCall,

    answerEngine: makeAnswerEngine({ ...parts, ...finishing, live, answerCall }),

    advance: (job) =>
      advanceRun({ ...finishing, host: parts.host, live, tools: parts.tools, random: parts.random }, job),

    runScriptTool,
  };

  async function runScriptTool(
    call: Call,
    { digest, tool, args, timeout_ms }: { digest: string; tool: string; args: JsonObject; timeout_ms: number },
  ): Promise<Json> {
    checkDepth(call, limits);
    assertEngine(parts.host);
    const source = await parts.scripts.byDigest(call.principal.tenant, digest);
    if (source === undefined) {
      throw new SignetError({ code: 'script_not_found', detail: `no script with digest \`${digest}\` here` });
    }
    const { runs } = limits;
    const wall_ms = Math.max(1, Math.min(timeout_ms, runs.wall_ms_max));
    const { row, job_id } = await storeRun(
      parts,
      call,
      {
        source,
        file_name: 'script.py',
        argv: [],
        input: null,
        limits: {
          wall_ms,
          cpu_ms: Math.min(runs.cpu_ms, wall_ms),
          memory_mb: runs.memory_mb,
          output_bytes: runs.output_bytes,
          host_calls: runs.host_calls,
          script_tool_ms: Math.min(runs.script_tool_ms_max, wall_ms),
        },
        call_tool: { name: tool, args },
      },
      // The call that waits for it is counted already; counted again, four runs whose chats use tools would stand still.
      { takes_slot: false },
    );
    // Here and now, not by the queue: its workers may all be busy with runs that wait for this one.
    const worker = new AbortController();
    const advanced = jobs.advance(job_id, worker.signal);
    advanced.catch(() => undefined);
    try {
      const ended = await waitForEnd(call, row.id, wall_ms + runs.token_grace_ms);
      if (!hasEnded(ended)) await cancelRun(call, ended);
      return await resultOf(ended, tool);
    } finally {
      if (call.signal.aborted) worker.abort();
    }
  }

  async function resultOf(row: RunRow, tool: string): Promise<Json> {
    const run = await describeRun(table, row, now());
    if (run.state === 'succeeded') return run.result ?? null;
    if (run.state === 'failed') {
      const message = `\`${tool}\` raised ${run.error?.type ?? 'an error'}: ${run.error?.message ?? ''}`;
      throw new SignetError({ code: 'invalid_request', detail: message.slice(0, 2000), reason: 'tool.raised' });
    }
    throw new SignetError({ code: 'tool_timeout', detail: `\`${tool}\` did not end in time` });
  }

  /** Resolves at the end of the run, after `wait_ms`, or when the caller is gone, with the row as it then is. */
  async function waitForEnd(call: Call, id: string, wait_ms: number): Promise<RunRow> {
    const until = now() + wait_ms;
    for (;;) {
      const seen = watchers.version(id);
      const row = await rowOf(call, id);
      const left_ms = until - now();
      if (hasEnded(row) || left_ms <= 0 || call.signal.aborted) return row;
      await watchers.changed(id, seen, Math.min(left_ms, poll_ms), call.signal);
    }
  }

  async function cancelRun(call: Call, row: RunRow): Promise<Run> {
    if (hasEnded(row)) return describeRun(table, row, now());
    const asked = await table.write(
      {
        kind: 'update',
        key: stateKey(row.tenant, row.id),
        conditions: [{ kind: 'equals', field: 'state', value: row.state }],
        set: { cancel_requested: true },
      },
      now(),
    );
    // It moved on in the meantime: look again.
    if (asked.kind === 'refused') return cancelRun(call, await rowOf(call, row.id));
    if (row.state === 'queued' || (isElsewhere(row) && row.engine === null)) {
      await finishRun(finishing, row, completionWithout({ state: 'cancelled', exit_code: 130 }));
      return cancelRun(call, await rowOf(call, row.id));
    }
    await stop(row);
    return describeRun(table, await rowOf(call, row.id), now());
  }

  /** Here at once; an engine elsewhere asks every few seconds, and one that does not is not waited for. */
  async function stop(row: RunRow): Promise<void> {
    live.stop(row.id);
    if (!isElsewhere(row) || row.job_id === undefined) return;
    await jobs.hasten(row.job_id, now() + limits.runs.cancel_grace_ms);
  }

  async function condemn(row: RunRow, verdict: Verdict): Promise<void> {
    await table.write(
      {
        kind: 'update',
        key: stateKey(row.tenant, row.id),
        conditions: [{ kind: 'equals', field: 'attempt', value: row.attempt }],
        set: { verdict },
      },
      now(),
    );
    await stop(row);
  }

  async function rowOf(call: Call, id: string): Promise<RunRow> {
    const known = /^[A-Za-z0-9-]{1,64}$/.test(id);
    const item = known ? await table.get(stateKey(call.principal.tenant, id), now()) : undefined;
    if (item === undefined) throw new SignetError({ code: 'run_not_found', detail: 'no run with this id here' });
    return runRow(item);
  }

  function mayRead(call: Call, id: string): void {
    if (!judge.permits(call, { action: 'read', resource: { type: 'Run', id }, facts: {} })) throw refused('read runs');
  }
}

function refused(what: string): SignetError {
  return new SignetError({ code: 'policy_denied', detail: `policy does not let this key ${what}` });
}
