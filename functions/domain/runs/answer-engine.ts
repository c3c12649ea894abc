import type { NewId } from '../call.ts';
import { SignetError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { AnswerCall, ReplyFrame, ScriptCompletion, ScriptStart } from '../ports/script-host.ts';
import type { Tools } from '../tools/tools.ts';
import { putBack } from './begin-attempt.ts';
import { makeClaims } from './claims.ts';
import { finishRun, type FinishParts } from './finish-run.ts';
import { attemptMs } from './hand-over.ts';
import { stateKey } from './keys.ts';
import type { LiveRuns } from './live-runs.ts';
import { crashedCompletion, mayRetry } from './lost-attempt.ts';
import type { OutputPiece } from './run-events.ts';
import { asRead, hasEnded, isElsewhere, mustStop, runRow, type RunRow } from './run-row.ts';
import { isToken, tenantOf } from './run-token.ts';
import { scriptStart } from './script-start.ts';

/** What an engine on another machine sends. It is a stranger until its token is known, and in all it says afterwards. */
export type EngineFrame =
  /** First of all: `engine` names the one invocation that asks. */
  | { readonly kind: 'start'; readonly engine: string }
  | { readonly kind: 'call'; readonly seq: number; readonly method: string; readonly args: JsonObject }
  | { readonly kind: 'watch' }
  | { readonly kind: 'completion'; readonly completion: ScriptCompletion };

export type EngineAnswer =
  /** Without the token, which who asks has. */
  | { readonly kind: 'start'; readonly start: Omit<ScriptStart, 'token'> }
  /** It may take as long as the run has; it never rejects. */
  | { readonly kind: 'reply'; readonly reply: Promise<ReplyFrame> }
  | { readonly kind: 'watch'; readonly cancelled: boolean }
  | { readonly kind: 'done' };

/**
 * @throws {SignetError} `invalid_api_key` for a token that is not that of the run's last attempt, `replay` to an engine
 * that comes for what another one has, `run_over`, and `write_conflict` while the same completion is being taken in
 */
export type AnswerEngine = (request: {
  readonly run_id: string;
  readonly token: string;
  readonly frame: EngineFrame;
  /** Output since the last frame; of a frame that comes twice it is told once. */
  readonly output: readonly OutputPiece[];
}) => Promise<EngineAnswer>;

export interface AnswerEngineParts extends FinishParts {
  readonly jobs: Pick<Jobs, 'close' | 'hasten'>;
  readonly tools: Tools;
  readonly newId: NewId;
  readonly live: LiveRuns;
  readonly answerCall: AnswerCall;
}

/** The orchestrator's end of a run that another machine executes: what its script is, its calls, its output, its end. */
export function makeAnswerEngine(parts: AnswerEngineParts): AnswerEngine {
  const { table, events, jobs, now, limits } = parts;
  const claims = makeClaims({ table, now, newId: parts.newId, claim_ms: limits.runs.call_claim_ms });

  return async ({ run_id, token, frame, output }) => {
    const run = await runOf(run_id, token);
    if (frame.kind === 'completion') {
      // Also of a run that ended meanwhile: its engine has nothing more to say and must hear that it may go.
      if (isElsewhere(run)) await events.tell(run, output);
      await complete(run, frame.completion);
      return { kind: 'done' };
    }
    if (!isElsewhere(run) || now() >= (run.token_expires_at ?? 0)) throw over();
    await events.tell(run, output);
    switch (frame.kind) {
      case 'start':
        return { kind: 'start', start: await startFor(run, frame.engine, token) };
      case 'call': {
        const { seq, method, args } = frame;
        return { kind: 'reply', reply: parts.answerCall({ run_id, token, seq, method, args }) };
      }
      case 'watch':
        return { kind: 'watch', cancelled: mustStop(run) };
      default:
        return frame satisfies never;
    }
  };

  async function runOf(run_id: string, token: string): Promise<RunRow> {
    const tenant = tenantOf(token);
    const item = tenant === undefined ? undefined : await table.get(stateKey(tenant, run_id), now());
    const run = item === undefined ? undefined : runRow(item);
    // One answer for an unknown run, a wrong token and that of an earlier attempt: a forger learns nothing.
    if (run?.token_sha256 === undefined || !isToken(token, run.token_sha256)) {
      throw new SignetError({
        code: 'invalid_api_key',
        reason: 'run.token',
        detail: "expected the token of the run's last attempt",
      });
    }
    return run;
  }

  /**
   * Gives the attempt to the engine that comes for it first, and its time begins. An invocation may be delivered twice;
   * two engines of one attempt would each do what the other does.
   */
  async function startFor(run: RunRow, engine: string, token: string): Promise<Omit<ScriptStart, 'token'>> {
    if (run.engine !== engine) await pickUp(run, engine);
    const { token: _token, ...start } = await scriptStart(parts, run, token);
    return start;
  }

  async function pickUp(run: RunRow, engine: string): Promise<void> {
    if (run.engine !== null) throw taken();
    if (mustStop(run)) throw over();
    const handed_over_until = now() + attemptMs(run, limits);
    const answer = await table.write(
      {
        kind: 'update',
        key: stateKey(run.tenant, run.id),
        conditions: [...asRead(run), { kind: 'equals', field: 'engine', value: null }],
        set: { engine, handed_over_until, token_expires_at: handed_over_until - limits.runs.completion_grace_ms },
      },
      now(),
    );
    if (answer.kind === 'written') return;
    const current = answer.current === undefined ? undefined : runRow(answer.current);
    if (current === undefined || current.attempt !== run.attempt || !isElsewhere(current)) throw over();
    // The same engine may have asked twice at once.
    if (current.engine !== engine) throw taken();
  }

  /** Ends the run as its engine says. Delivered twice, also twice at once, it is taken in once. */
  async function complete(run: RunRow, completion: ScriptCompletion): Promise<void> {
    if (hasEnded(run)) return closeJob(run);
    if (!isElsewhere(run)) throw over();
    const claim = await claims.take(run, 'completion');
    if (claim === undefined) {
      throw new SignetError({ code: 'write_conflict', detail: 'this completion is being taken in', retry_after_s: 1 });
    }
    try {
      const item = await table.get(stateKey(run.tenant, run.id), now());
      const current = item === undefined ? undefined : runRow(item);
      if (current === undefined || current.attempt !== run.attempt) throw over();
      if (!hasEnded(current)) await close(current, completion);
    } finally {
      await claim.release();
    }
  }

  async function close(run: RunRow, told: ScriptCompletion): Promise<void> {
    let completion = told;
    if (isLost(completion) && !mustStop(run)) {
      if (await mayRetry(parts, run)) {
        await putBack(parts, run, { lost: 1 });
        if (run.job_id !== undefined) await jobs.hasten(run.job_id, now());
        return;
      }
      completion = { ...crashedCompletion(), image: completion.image };
    }
    // Its call was cut off before it heard that it is to stop.
    if (run.cancel_requested === true && completion.state === 'failed') {
      const { error: _error, ...rest } = completion;
      completion = { ...rest, state: 'cancelled', exit_code: 130 };
    }
    const has_ended = await finishRun(parts, run, completion);
    parts.live.stop(run.id);
    events.close(run.id);
    // A later attempt has the job for its own.
    if (has_ended) await closeJob(run);
  }

  /** A job that stays open in spite of this comes back when the attempt's time is over, and finds the run ended. */
  async function closeJob({ job_id }: RunRow): Promise<void> {
    if (job_id !== undefined) await jobs.close(job_id);
  }
}

/** The sandbox vanished under the engine, or was stopped by somebody who is not us. */
function isLost({ state, exit_code, error }: ScriptCompletion): boolean {
  return state === 'cancelled' || (exit_code === 70 && error?.type === 'InterpreterCrash');
}

function taken(): SignetError {
  return new SignetError({ code: 'replay', reason: 'run.taken', detail: 'another engine has this attempt' });
}

function over(): SignetError {
  return new SignetError({ code: 'run_over', detail: 'the run, or this attempt of it, is over' });
}
