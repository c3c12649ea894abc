import type { Call, NewId, Now } from '../call.ts';
import type { Chat, ServerToolCall } from '../chat/chat.ts';
import type { ChatRequest, ToolCall } from '../chat/chat-types.ts';
import type { Judge } from '../decisions/judge.ts';
import { isSignetError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import type { ToolErrorType, Tools } from '../tools/tools.ts';
import type { LlmChat, ScriptTool, ToolResult } from './call-arguments.ts';
import { limitRefusal, ScriptCallRefusal, toolRefusal } from './call-error.ts';
import { chatRequest, chosenScriptTools, modelName } from './chat-request.ts';
import type { Limits } from './clamp-limits.ts';
import type { RunRow } from './run-row.ts';
import {
  argumentFaults,
  cutResult,
  isOfScript,
  parsedArguments,
  refusedByPolicy,
  settleScriptTool,
  toolCallEvent,
  toolFailure,
} from './script-tools.ts';
import type { Tally } from './tally.ts';

/**
 * A chat of a script on its way. It is JSON, so that it can wait in the table while the guest runs a tool, and whichever
 * instance gets the result goes on with it.
 */
export type PendingChat = {
  readonly kind: 'chat';
  readonly request: ChatRequest;
  readonly script_tools: readonly ScriptTool[];
  /** Calls of the model's last turn that are not answered yet; the first is the one the guest runs. */
  readonly queue: readonly ToolCall[];
  readonly log: readonly JsonObject[];
  /** Times that each call, by name and arguments, was asked for. */
  readonly asked: { readonly [call: string]: number };
  readonly usage: { readonly in: number; readonly out: number };
  readonly steps: number;
  readonly steps_max: number;
  readonly calls: number;
  readonly strict: boolean;
  /** Unix milliseconds. */
  readonly deadline_at: number;
};

export interface ChatLoopParts {
  readonly chat: Chat;
  readonly tools: Tools;
  readonly judge: Judge;
  readonly now: Now;
  readonly newId: NewId;
  readonly limits: Limits;
}

export interface ChatLoop {
  start(call: Call, run: RunRow, args: LlmChat, tally: Tally, model_calls_left: number): Promise<LoopAnswer>;
  /** Goes on with the chat that waited for this result. */
  resume(
    call: Call,
    pending: PendingChat,
    result: ToolResult,
    tally: Tally,
    model_calls_left: number,
  ): Promise<LoopAnswer>;
}

/** The chat's value, or a tool of the script that the guest must run while `pending` waits. */
export interface LoopAnswer {
  readonly answer:
    | { readonly kind: 'value'; readonly value: Json }
    | { readonly kind: 'call_tool'; readonly call_id: string; readonly name: string; readonly args: JsonObject };
  readonly pending?: PendingChat;
}

export function makeChatLoop({ chat, tools, judge, now, newId, limits }: ChatLoopParts): ChatLoop {
  return {
    async start(call, run, args, tally, model_calls_left) {
      const script_tools = chosenScriptTools(args);
      await refuseShadowing(call, run, script_tools);
      const deadline_ms = Math.min(args.timeout_ms ?? limits.chat.loop_ms_max, limits.chat.loop_ms_max);
      const pending: PendingChat = {
        kind: 'chat',
        request: chatRequest(run, args, script_tools, limits),
        script_tools,
        queue: [],
        log: [],
        asked: {},
        usage: { in: 0, out: 0 },
        steps: 0,
        steps_max: Math.min(args.max_steps ?? limits.chat.steps_max, limits.chat.steps_max),
        calls: 0,
        strict: args.strict ?? false,
        deadline_at: now() + deadline_ms,
      };
      return turn(call, pending, tally, model_calls_left);
    },

    async resume(call, pending, result, tally, model_calls_left) {
      const [current, ...queue] = pending.queue;
      if (current === undefined) throw new Error('a waiting chat has no call that waits');
      const outcome = await settleScriptTool({
        judge,
        call,
        tool_name: nameOf(pending, current),
        pending,
        result,
        tally,
      });
      const answered = answer(
        { ...pending, queue },
        current,
        outcome.ok ? outcome : { ok: false, error: toolFailure(outcome.error) },
      );
      return turn(call, answered, tally, model_calls_left);
    },
  };

  /** Asks the model and settles what it asks for, until a script tool must run or the answer is there. */
  async function turn(call: Call, start: PendingChat, tally: Tally, model_calls_left: number): Promise<LoopAnswer> {
    let pending = start;
    for (;;) {
      const [next] = pending.queue;
      if (next !== undefined) {
        const prepared = await prepare(call, pending, next, tally);
        pending = prepared.pending;
        if (prepared.run !== undefined) {
          const call_id = newId();
          tally.events.push(toolCallEvent(call_id, prepared.run.name, prepared.run.args));
          return { answer: { kind: 'call_tool', call_id, ...prepared.run }, pending };
        }
        continue;
      }
      if (tally.model_calls >= model_calls_left) throw limitRefusal('model calls', limits.runs.model_calls);
      tally.model_calls += 1;
      const completed = await complete(call, pending);
      const { prompt_tokens, completion_tokens } = completed.value.usage;
      tally.tokens += prompt_tokens + completion_tokens;
      pending = { ...pending, log: [...pending.log, ...noteServerCalls(completed.server_calls ?? [], tally, newId)] };
      tally.receipts.push(completed.receipt);
      const usage = { in: pending.usage.in + prompt_tokens, out: pending.usage.out + completion_tokens };
      const choice = completed.value.choices[0];
      if (choice === undefined) throw new Error('a completion without a choice');
      const asked = choice.message.tool_calls ?? [];
      const stopped = asked.length > 0 && pending.steps + 1 >= pending.steps_max;
      pending = { ...pending, usage, steps: pending.steps + 1 };
      if (asked.length === 0 || stopped) {
        return {
          answer: {
            kind: 'value',
            value: {
              text: choice.message.content ?? '',
              finish_reason: stopped ? 'length' : choice.finish_reason,
              usage,
              tool_calls: pending.log,
              model: completed.route,
              receipt: completed.receipt,
            },
          },
        };
      }
      pending = askedFor(pending, choice.message.content, asked);
    }
  }

  async function complete(call: Call, pending: PendingChat): ReturnType<Chat['complete']> {
    const left_ms = pending.deadline_at - now();
    if (left_ms <= 0) throw overtime();
    const timer = new AbortController();
    const handle = setTimeout(() => timer.abort(), left_ms);
    try {
      return await chat.complete({ ...call, signal: AbortSignal.any([call.signal, timer.signal]) }, pending.request);
    } catch (error) {
      throw timer.signal.aborted && !call.signal.aborted ? overtime() : error;
    } finally {
      clearTimeout(handle);
    }
  }

  /** The road of one call of the model: known, within limits, arguments fit, policy allows; else it reads why not. */
  async function prepare(
    call: Call,
    pending: PendingChat,
    asked: ToolCall,
    tally: Tally,
  ): Promise<{ pending: PendingChat; run?: { name: string; args: JsonObject } }> {
    const key = `${asked.function.name} ${asked.function.arguments}`;
    const times = (pending.asked[key] ?? 0) + 1;
    const counted = { ...pending, calls: pending.calls + 1, asked: { ...pending.asked, [key]: times } };
    const fail = (type: ToolErrorType, message: string, receipt?: string): { pending: PendingChat } => {
      if (pending.strict) throw toolRefusal({ type, message }, receipt);
      return {
        pending: answer({ ...counted, queue: pending.queue.slice(1) }, asked, { ok: false, error: { type, message } }),
      };
    };

    const tool = pending.script_tools.find((offered) => modelName(offered.name) === asked.function.name);
    if (tool === undefined)
      return fail('tool_not_found', `no tool \`${asked.function.name.slice(0, 64)}\` was offered`);
    if (counted.calls > limits.chat.calls_max)
      return fail('limit_exceeded', `expected at most ${limits.chat.calls_max} calls`);
    if (times >= 3) return fail('limit_exceeded', 'the same call was made twice already');
    const args = parsedArguments(asked.function.arguments);
    if (args === undefined) return fail('invalid_arguments', 'expected the arguments as a JSON object');
    const faults = argumentFaults(tool, args);
    if (faults.length > 0) return fail('invalid_arguments', faults.join('; '));
    const refusal = await refusedByPolicy({ judge, call, tool, args, asked_by: 'model', tally });
    if (refusal !== undefined) return fail('policy_denied', refusal.message, refusal.receipt);
    return { pending: counted, run: { name: tool.name, args } };
  }

  /** A registry tool's name is not the script's to take: its model would call one and believe the other. */
  async function refuseShadowing(call: Call, run: RunRow, script_tools: readonly ScriptTool[]): Promise<void> {
    for (const { name } of script_tools) {
      if (!(await isForeign(call, run, name))) continue;
      throw new ScriptCallRefusal({
        type: 'InvalidArguments',
        code: 'tool_exists',
        message: `\`${name}\` is a tool of the registry; give the script's tool another name`,
      });
    }
  }

  async function isForeign(call: Call, run: RunRow, name: string): Promise<boolean> {
    try {
      return !isOfScript(await tools.get(call, name), run.script_digest);
    } catch (error) {
      if (isSignetError(error) && ['tool_not_found', 'policy_denied', 'invalid_request'].includes(error.code))
        return false;
      throw error;
    }
  }
}

/** The model had all of it; 32 results of 64 KiB would be more than a frame. */
const server_result_units_max = 8192;

/**
 * Tools of the registry ran inside the chat. To the run they are calls like its own: events, receipts (before that of the
 * chat, whose statement has them for parents), and the entries of `tool_calls` that are answered.
 */
function noteServerCalls(calls: readonly ServerToolCall[], tally: Tally, newId: NewId): readonly JsonObject[] {
  return calls.map(({ name, args, outcome }) => {
    const call_id = newId();
    const { receipt } = outcome;
    const value = outcome.kind === 'result' ? cutResult(outcome.value, server_result_units_max).value : null;
    const shown = outcome.kind === 'result' ? { value } : { error: outcome.error };
    tally.events.push(toolCallEvent(call_id, name, args), {
      event: 'tool_result',
      data: { call_id, name, ok: outcome.kind === 'result', ...shown },
    });
    if (receipt !== undefined) tally.receipts.push(receipt);
    return {
      name,
      args,
      ...(outcome.kind === 'result' ? { result: value } : { error: outcome.error }),
      ...(receipt === undefined ? {} : { receipt }),
    };
  });
}

function askedFor(pending: PendingChat, content: string | null, asked: readonly ToolCall[]): PendingChat {
  const { tool_choice, ...request } = pending.request;
  return {
    ...pending,
    // A forced call is forced once: the turn after it is for the answer.
    request: {
      ...request,
      ...(tool_choice === 'none' ? { tool_choice } : {}),
      messages: [...request.messages, { role: 'assistant', content, tool_calls: asked }],
    },
    queue: asked,
  };
}

/** The tool's outcome as the message that the model reads, quoted as JSON, and as an entry of `tool_calls`. */
function answer(
  pending: PendingChat,
  asked: ToolCall,
  outcome: { ok: true; value: Json } | { ok: false; error: { type: ToolErrorType; message: string } },
): PendingChat {
  if (!outcome.ok && pending.strict) throw toolRefusal(outcome.error);
  const content = outcome.ok ? cutResult(outcome.value).text : JSON.stringify({ error: outcome.error });
  const args = parsedArguments(asked.function.arguments) ?? asked.function.arguments;
  const entry = {
    name: nameOf(pending, asked),
    args,
    ...(outcome.ok ? { result: outcome.value } : { error: outcome.error }),
  };
  return {
    ...pending,
    request: {
      ...pending.request,
      messages: [...pending.request.messages, { role: 'tool', tool_call_id: asked.id, content }],
    },
    log: [...pending.log, entry],
  };
}

function nameOf(pending: Pick<PendingChat, 'script_tools'>, asked: ToolCall): string {
  return pending.script_tools.find((tool) => modelName(tool.name) === asked.function.name)?.name ?? asked.function.name;
}

function overtime(): ScriptCallRefusal {
  return new ScriptCallRefusal({
    type: 'LLMError',
    code: 'provider_timeout',
    message: 'the chat did not end within its time',
    retryable: true,
  });
}
