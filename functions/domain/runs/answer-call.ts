import { createHash } from 'node:crypto';
import type { Call, NewId, Now } from '../call.ts';
import type { Chat } from '../chat/chat.ts';
import type { Judge } from '../decisions/judge.ts';
import type { Embeddings } from '../embeddings/embeddings.ts';
import type { Json, JsonObject } from '../json.ts';
import type { AnswerCall, ReplyFrame } from '../ports/script-host.ts';
import type { Operation, Table } from '../ports/table.ts';
import type { Tools } from '../tools/tools.ts';
import type { Web } from '../web/web.ts';
import {
  isMethod,
  readArguments,
  readFrame,
  type Frame,
  type ScriptTool,
  type ToolResult,
  type ToolsCall,
} from './call-arguments.ts';
import {
  errorReply,
  frameRefusal,
  limitRefusal,
  ScriptCallRefusal,
  toolRefusal,
  type UsualClass,
} from './call-error.ts';
import { makeChatLoop, type LoopAnswer, type PendingChat } from './chat-loop.ts';
import type { Limits } from './clamp-limits.ts';
import { harmless, makeEffectOf } from './call-effect.ts';
import { makeClaims, type Claim } from './claims.ts';
import { noTotals, putAnswer, putIntent, readReply, readStep, type Step, type Totals } from './journal.ts';
import { pendingName, stateKey, textKey } from './keys.ts';
import type { LiveRuns } from './live-runs.ts';
import { getJson, partsOf, putJson } from './long-text.ts';
import type { RunEvents } from './run-events.ts';
import { isElsewhere, runRow, type RunRow, type Verdict } from './run-row.ts';
import { isToken, tenantOf } from './run-token.ts';
import {
  argumentFaults,
  cutResult,
  refusedByPolicy,
  settleScriptTool,
  toolCallEvent,
  toolFailure,
} from './script-tools.ts';
import type { Tally } from './tally.ts';
import { watchRun } from './watch-run.ts';

export interface AnswerCallParts {
  readonly table: Table;
  readonly chat: Chat;
  readonly tools: Tools;
  readonly web: Web;
  readonly embeddings: Embeddings;
  readonly judge: Judge;
  readonly events: RunEvents;
  readonly now: Now;
  readonly newId: NewId;
  readonly limits: Limits;
  readonly live: LiveRuns;
  /** Ends the run with this verdict, whatever its script does next. */
  readonly condemn: (run: RunRow, verdict: Verdict) => Promise<void>;
}

/** A tool call of the script itself (`call_tool`) that waits for the guest to run its own tool. */
type PendingTool = {
  readonly kind: 'tool';
  readonly tool_name: string;
  readonly args: JsonObject;
  readonly script_tools: readonly ScriptTool[];
};

/** What comes with a call whose sandbox is elsewhere. */
interface Elsewhere {
  readonly claim: Claim;
  readonly signal: AbortSignal;
}

const claimed_poll_ms = 100;

interface Answered {
  readonly reply: ReplyFrame;
  readonly pending?: { readonly call_id: string; readonly value: PendingChat | PendingTool };
  readonly consumed?: { readonly call_id: string; readonly parts: number };
}

/**
 * The orchestrator's end of the channel. Every frame is a stranger's: token, attempt, sequence, method and arguments are
 * checked before anything is done, and the answer is in the journal before it is given.
 */
export function makeAnswerCall(parts: AnswerCallParts): AnswerCall {
  const { table, tools, web, embeddings, judge, events, now, limits } = parts;
  const loop = makeChatLoop(parts);
  const effectOf = makeEffectOf({ table, tools, now });
  const claims = makeClaims({ table, now, newId: parts.newId, claim_ms: limits.runs.call_claim_ms });
  /** The one call under way of each attempt, so that a frame sent twice is answered once. */
  const flights = new Map<string, { seq: number; digest: string; answer: Promise<ReplyFrame> }>();

  return async (frame) => {
    try {
      const checked = readFrame(frame);
      const run = await runOf(checked);
      const digest = callDigest(checked);
      const key = `${run.id} ${run.attempt}`;
      const flight = flights.get(key);
      if (flight !== undefined) {
        if (flight.seq !== checked.seq) throw frameRefusal('expected one call at a time');
        if (flight.digest !== digest) throw await forged(run, checked.seq);
        return await flight.answer;
      }
      const answering = isElsewhere(run) ? answerClaimed(run, checked, digest) : answerOnce(run, checked, digest);
      const answer = answering.finally(() => flights.delete(key));
      flights.set(key, { seq: checked.seq, digest, answer });
      return await answer;
    } catch (error) {
      return errorReply(error, 'HyperCoreError');
    }
  };

  async function runOf(frame: Frame): Promise<RunRow> {
    const tenant = tenantOf(frame.token);
    const item = tenant === undefined ? undefined : await table.get(stateKey(tenant, frame.run_id), now());
    const run = item === undefined ? undefined : runRow(item);
    // One answer for an unknown run, a wrong token and an old one: a forger learns nothing.
    if (
      run?.token_sha256 === undefined ||
      !isToken(frame.token, run.token_sha256) ||
      run.state !== 'running' ||
      now() >= (run.token_expires_at ?? 0)
    ) {
      throw new ScriptCallRefusal({
        type: 'HyperCoreError',
        code: 'invalid_token',
        message: 'expected the token of a running run',
      });
    }
    if (run.cancel_requested === true) {
      throw new ScriptCallRefusal({ type: 'HyperCoreError', code: 'cancelled', message: 'the run was cancelled' });
    }
    return run;
  }

  /**
   * The frames of a sandbox elsewhere reach any machine, a repeated one perhaps another machine while the first is still
   * at work: one of them claims the call, the others wait for what it puts into the journal.
   */
  async function answerClaimed(run: RunRow, frame: Frame, digest: string): Promise<ReplyFrame> {
    for (;;) {
      const answered = await answerIn(await readStep(table, run, frame.seq, now()), run, frame, digest);
      if (answered !== undefined) return answered;
      const claim = await claims.take(run, `call#${frame.seq}`);
      if (claim === undefined) {
        await new Promise((resolve) => setTimeout(resolve, claimed_poll_ms));
        await runOf(frame);
        continue;
      }
      const watched = watchRun({ table, now }, run, claim);
      // Who cancels it in this process need not wait for the next look.
      const session = parts.live.open(run.id, () => Promise.resolve());
      const signal = AbortSignal.any([watched.signal, session.signal]);
      try {
        return await answerOnce(run, frame, digest, { claim, signal });
      } catch (error) {
        if (!signal.aborted) throw error;
        throw new ScriptCallRefusal({ type: 'HyperCoreError', code: 'cancelled', message: 'the run was stopped' });
      } finally {
        watched.close();
        session.close();
        await claim.release();
      }
    }
  }

  async function answerOnce(run: RunRow, frame: Frame, digest: string, elsewhere?: Elsewhere): Promise<ReplyFrame> {
    const step = await readStep(table, run, frame.seq, now());
    const answered = await answerIn(step, run, frame, digest);
    if (answered !== undefined) return answered;
    if (step !== undefined && !step.repeatable) throw await unknownOutcome(run, step);
    if (frame.seq > run.limits.host_calls) throw limitRefusal('host calls', run.limits.host_calls);
    const previous = frame.seq === 1 ? undefined : await readStep(table, run, frame.seq - 1, now());
    if (frame.seq > 1 && previous === undefined) throw frameRefusal(`expected the calls before ${frame.seq} first`);
    if (elsewhere !== undefined && previous?.state === 'intent') throw frameRefusal('expected one call at a time');
    return journaled(run, frame, digest, { before: previous?.totals ?? noTotals, elsewhere });
  }

  /** What the journal holds of this call; undefined when it has no answer yet. */
  async function answerIn(
    step: Step | undefined,
    run: RunRow,
    frame: Frame,
    digest: string,
  ): Promise<ReplyFrame | undefined> {
    if (step === undefined) return undefined;
    if (step.digest !== digest) throw await (step.attempt === run.attempt ? forged : diverged)(run, frame.seq);
    return step.state === 'answered' ? readReply(table, run, step, now()) : undefined;
  }

  async function journaled(
    run: RunRow,
    frame: Frame,
    digest: string,
    { before, elsewhere }: { before: Totals; elsewhere: Elsewhere | undefined },
  ): Promise<ReplyFrame> {
    const signal = elsewhere?.signal ?? parts.live.signalOf(run.id) ?? new AbortController().signal;
    // An attempt that was superseded in the meantime writes nothing, nor does a machine whose claim ran out.
    const guards: readonly Operation[] = [
      {
        kind: 'check',
        key: stateKey(run.tenant, run.id),
        conditions: [{ kind: 'equals', field: 'attempt', value: run.attempt }],
      },
      ...(elsewhere === undefined ? [] : [elsewhere.claim.check]),
    ];
    const tally: Tally = { receipts: [], events: [], model_calls: 0, tokens: 0 };
    let n = 0;
    const call: Call = {
      principal: { kind: 'run', id: run.id, tenant: run.tenant, scopes: run.scopes },
      request_id: run.request_id,
      // Attempt, call and statement in one number, so that any instance can count without asking another.
      nextStatement: () => run.attempt * 1e10 + frame.seq * 1e4 + n++,
      depth: run.depth + 1,
      signal,
    };
    const step = { seq: frame.seq, method: frame.method, digest, attempt: run.attempt };
    const effect = isMethod(frame.method) ? await effectOf(call, run, frame.method, frame.args) : harmless;
    if (effect.changes) {
      const totals = { ...before, effects: before.effects + 1 };
      const intent = putIntent(run, { ...step, repeatable: effect.repeatable, totals });
      const begun = await table.transact([...guards, intent], now());
      if (begun.kind === 'refused') throw frameRefusal('this attempt of the run is over');
    }
    let answered: Answered;
    try {
      answered = await dispatch(call, run, frame, before, tally);
    } catch (error) {
      // A call that was cut off is not an answer: the next attempt asks again.
      if (signal.aborted) throw error;
      answered = { reply: errorReply(error, usualClass(frame.method)) };
    }
    const reply = withinFrame(answered.reply, limits);
    const totals: Totals = {
      model_calls: before.model_calls + tally.model_calls,
      web_calls: before.web_calls + (frame.method === 'web.search' ? 1 : 0),
      effects: before.effects + (effect.changes ? 1 : 0),
      tokens: before.tokens + tally.tokens,
    };
    const written = await events.append(run, tally.events, [
      ...guards,
      ...putAnswer(run, { ...step, repeatable: effect.repeatable, totals, receipts: tally.receipts }, reply),
      ...pendingOperations(run, answered),
    ]);
    if (!written) throw frameRefusal('this attempt of the run is over');
    return reply;
  }

  async function dispatch(call: Call, run: RunRow, frame: Frame, before: Totals, tally: Tally): Promise<Answered> {
    const { method } = frame;
    if (!isMethod(method) || run.token_methods?.includes(method) !== true) {
      throw new ScriptCallRefusal({
        type: 'HyperCoreError',
        code: 'unknown_method',
        message: `no method \`${method}\` on this channel`,
      });
    }
    const model_calls_left = limits.runs.model_calls - before.model_calls;
    switch (method) {
      case 'llm.chat':
        return chatAnswer(await loop.start(call, run, readArguments(method, frame.args), tally, model_calls_left));
      case 'tool.result':
        return afterTool(call, run, readArguments(method, frame.args), tally, model_calls_left);
      case 'tools.call':
        return callTool(call, run, frame.seq, readArguments(method, frame.args), tally);
      case 'web.search': {
        const request = readArguments(method, frame.args);
        if (before.web_calls >= limits.runs.web_calls) throw limitRefusal('web calls', limits.runs.web_calls);
        const judged = await web.search(call, request);
        tally.receipts.push(judged.receipt);
        return {
          reply: { kind: 'value', value: judged.value.map(({ title, url, snippet }) => ({ title, url, snippet })) },
        };
      }
      case 'embed': {
        const { texts, input_type, model } = readArguments(method, frame.args);
        const named = typeof model === 'string' ? { model } : {};
        const judged = await embeddings.embed(call, { ...named, texts, input_type, truncate: 'end' });
        tally.receipts.push(judged.receipt);
        const { vectors, dimension, tokens } = judged.value;
        const value = {
          vectors: vectors.map((vector) => Array.from(vector)),
          dimension,
          tokens: tokens.reduce((sum, count) => sum + count, 0),
        };
        return { reply: { kind: 'value', value } };
      }
      default:
        return method satisfies never;
    }
  }

  async function callTool(call: Call, run: RunRow, seq: number, request: ToolsCall, tally: Tally): Promise<Answered> {
    const { name, args, script_tools } = request;
    const own = script_tools.find((tool) => tool.name === name);
    if (own !== undefined) {
      const faults = argumentFaults(own, args);
      if (faults.length > 0) throw toolRefusal({ type: 'invalid_arguments', message: faults.join('; ') });
      const refusal = await refusedByPolicy({ judge, call, tool: own, args, asked_by: 'caller', tally });
      if (refusal !== undefined)
        throw toolRefusal({ type: 'policy_denied', message: refusal.message }, refusal.receipt);
      const call_id = parts.newId();
      tally.events.push(toolCallEvent(call_id, name, args));
      const value: PendingTool = { kind: 'tool', tool_name: name, args, script_tools: [own] };
      return { reply: { kind: 'call_tool', call_id, name, args }, pending: { call_id, value } };
    }
    const call_id = `${run.id}:${seq}`;
    tally.events.push(toolCallEvent(call_id, name, args));
    const outcome = await tools.invoke(call, {
      name,
      arguments_json: JSON.stringify(args),
      idempotency_key: `${run.id}:${seq}`,
    });
    if (outcome.receipt !== undefined) tally.receipts.push(outcome.receipt);
    if (outcome.kind === 'failure') {
      tally.events.push({ event: 'tool_result', data: { call_id, name, ok: false, error: outcome.error } });
      throw toolRefusal(outcome.error, outcome.receipt);
    }
    tally.events.push({
      event: 'tool_result',
      data: { call_id, name, ok: true, value: cutResult(outcome.value).value },
    });
    return { reply: { kind: 'value', value: outcome.value } };
  }

  /** The guest ran its tool: whatever waited for it goes on, here or in any other instance. */
  async function afterTool(
    call: Call,
    run: RunRow,
    result: ToolResult,
    tally: Tally,
    model_calls_left: number,
  ): Promise<Answered> {
    const place = { tenant: run.tenant, run_id: run.id, name: pendingName(result.call_id) };
    const stored = /^[A-Za-z0-9-]+$/.test(result.call_id) ? await getJson(table, place, now()) : undefined;
    if (stored === undefined) {
      throw new ScriptCallRefusal({
        type: 'ToolError',
        code: 'continuation_expired',
        message: 'no call waits for this result',
      });
    }
    const consumed = { call_id: result.call_id, parts: partsOf(JSON.stringify(stored)).length };
    const pending = stored as unknown as PendingChat | PendingTool;
    try {
      if (pending.kind === 'chat') {
        return { ...chatAnswer(await loop.resume(call, pending, result, tally, model_calls_left)), consumed };
      }
      await settleScriptTool({ judge, call, tool_name: pending.tool_name, pending, result, tally });
      if (result.ok) return { reply: { kind: 'value', value: result.value }, consumed };
      throw toolRefusal(toolFailure(result.error));
    } catch (error) {
      if (call.signal.aborted) throw error;
      return { reply: errorReply(error, pending.kind === 'chat' ? 'LLMError' : 'ToolError'), consumed };
    }
  }

  async function forged(run: RunRow, seq: number): Promise<Error> {
    const message = `call ${seq} was sent again with other arguments`;
    await parts.condemn(run, { exit_code: 4, type: 'SandboxViolation', code: 'forged_frame', message });
    return frameRefusal(message);
  }

  async function diverged(run: RunRow, seq: number): Promise<Error> {
    const message = `call ${seq} is not the one that the journal holds; the script does not repeat itself`;
    await parts.condemn(run, { exit_code: 8, type: 'ReplayDiverged', code: 'replay_diverged', message });
    return frameRefusal(message);
  }

  async function unknownOutcome(run: RunRow, step: Step): Promise<Error> {
    const message = `call ${step.seq} (\`${step.method}\`) was begun by a process that was lost; it may have taken effect`;
    await parts.condemn(run, { exit_code: 70, type: 'OutcomeUnknown', code: 'outcome_unknown', message });
    return frameRefusal(message);
  }
}

/** The order of members counts: a script that takes the same road writes the same text. */
function callDigest({ method, args }: Frame): string {
  return createHash('sha256')
    .update(JSON.stringify([method, args]), 'utf8')
    .digest('hex');
}

function chatAnswer({ answer, pending }: LoopAnswer): Answered {
  if (answer.kind === 'value') return { reply: answer };
  if (pending === undefined) throw new Error('a tool call without the chat that asked for it');
  return { reply: answer, pending: { call_id: answer.call_id, value: pending } };
}

function pendingOperations(run: RunRow, { pending, consumed }: Answered): readonly Operation[] {
  const place = (call_id: string) => ({ tenant: run.tenant, run_id: run.id, name: pendingName(call_id) });
  return [
    ...(pending === undefined ? [] : putJson(place(pending.call_id), pending.value as unknown as Json, run.expires_at)),
    ...(consumed === undefined
      ? []
      : Array.from(
          { length: consumed.parts },
          (_, part): Operation => ({
            kind: 'delete',
            key: textKey(run.tenant, run.id, pendingName(consumed.call_id), part),
          }),
        )),
  ];
}

function withinFrame(reply: ReplyFrame, limits: Limits): ReplyFrame {
  if (JSON.stringify(reply).length <= limits.runs.frame_bytes) return reply;
  return errorReply(limitRefusal('bytes of one answer', limits.runs.frame_bytes), 'HyperCoreError');
}

function usualClass(method: string): UsualClass {
  if (method === 'llm.chat') return 'LLMError';
  if (method === 'web.search') return 'WebError';
  return method === 'tools.call' || method === 'tool.result' ? 'ToolError' : 'HyperCoreError';
}
