import type { Call, Now } from '../call.ts';
import { SignetError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { ChatProvider, ModelInfo, ProviderRequest, ToolCallDelta } from '../ports/provider.ts';
import type { Screening } from '../gates/screening.ts';
import type { Tools } from '../tools/tools.ts';
import { addUsage } from './add-usage.ts';
import { askModel, type ModelInUse } from './ask-model.ts';
import { addPiece, choiceOf, newAssembly, toolCallsOf, type Assembly } from './assemble-turn.ts';
import type { ChatLimits } from './chat-limits.ts';
import type { ChatMessage, FinishReason, ToolCall, Usage } from './chat-types.ts';
import type { CompletedChat, ServerToolCall } from './chat.ts';
import { callIdOf, type Continuations } from './continuation.ts';
import { formFault, withoutFence, type JsonForm } from './json-form.ts';
import { estimateUsage } from './estimate-usage.ts';
import { screenPieces } from './screen-pieces.ts';
import { argumentsOf, identityOf, resultText, runServerCalls } from './run-server-calls.ts';

export type StopReason = NonNullable<CompletedChat['stop']>;

/** A piece of the answer as the client is to see it, or a step that it may be told of. */
export type AnswerPiece =
  | {
      readonly kind: 'choice';
      readonly index: number;
      readonly text?: string;
      readonly refusal?: string;
      readonly tool_calls?: readonly ToolCallDelta[];
      readonly logprobs?: JsonObject;
    }
  | { readonly kind: 'comment'; readonly text: string };

export interface Ending {
  readonly finish_reasons: ReadonlyMap<number, FinishReason>;
  readonly usage: Usage;
  /** Receipts of the tool calls. */
  readonly receipts: readonly string[];
  readonly server_calls: readonly ServerToolCall[];
  readonly steps: number;
  readonly calls: number;
  readonly stop?: StopReason;
}

/** Everything one chat works with. */
export interface Conversation {
  readonly call: Call;
  /** Aborts with the call, and when the reader of a stream is gone. */
  readonly signal: AbortSignal;
  readonly models: readonly [ModelInfo, ...ModelInfo[]];
  readonly providers: readonly ChatProvider[];
  readonly inUse: ModelInUse;
  readonly request: Omit<ProviderRequest, 'model'>;
  readonly form: JsonForm;
  /** The model does not hold the form by itself: it was told to, and its text is judged before anyone sees it. */
  readonly is_form_told: boolean;
  /** Names of the client's tools, which go back to it. */
  readonly client_tools: ReadonlySet<string>;
  readonly has_server_tools: boolean;
  readonly steps_max: number;
  readonly tools: Tools;
  readonly continuations: Continuations;
  readonly screening: Screening;
  readonly newCallId: () => string;
  readonly limits: ChatLimits;
  readonly now: Now;
}

/** What the steps so far have made. */
interface Progress {
  /** Messages that the client does not see: turns with server tools, and a corrected form. */
  readonly hidden: ChatMessage[];
  readonly receipts: string[];
  readonly server_calls: ServerToolCall[];
  usage: Usage;
  steps: number;
  calls: number;
  tools_ms: number;
  hasText: boolean;
  isCorrected: boolean;
}

/**
 * One chat from its first piece to its end: asks the model, runs the server tools that it calls, asks again, within the
 * limits. The pieces of all steps together are the answer, so a stream and a whole answer have the same text. What the gates
 * of the constitution say of it is the same for both: no byte of what they refuse is in any piece.
 */
export function converse(chat: Conversation): AsyncGenerator<AnswerPiece, Ending, void> {
  return screenPieces(unscreened(chat), chat.screening);
}

/** The same without the gates of what goes out: for who shows nothing before all of it has passed them. */
export async function* unscreened(chat: Conversation): AsyncGenerator<AnswerPiece, Ending, void> {
  const { limits, now } = chat;
  if (chat.call.depth > limits.nesting_depth_max) {
    const detail = `chats, scripts and tools nest at most ${limits.nesting_depth_max} deep`;
    throw new SignetError({ code: 'policy_denied', detail, reason: 'nesting_depth' });
  }
  const started = now();
  const wall = new AbortController();
  const timer = chat.has_server_tools ? setTimeout(() => wall.abort(), limits.chat.loop_ms_max) : undefined;
  const signal = chat.has_server_tools ? AbortSignal.any([chat.signal, wall.signal]) : chat.signal;
  const seen = callsSince(chat.request.messages);
  const progress: Progress = {
    hidden: [],
    receipts: [],
    server_calls: [],
    usage: { in: 0, out: 0 },
    steps: 0,
    calls: 0,
    tools_ms: 0,
    hasText: false,
    isCorrected: false,
  };

  try {
    for (;;) {
      progress.steps++;
      const assembly = newAssembly();
      try {
        yield* ask(chat, progress, assembly, signal);
      } catch (error) {
        if (wall.signal.aborted && !chat.signal.aborted) return endEarly(progress, 'wall');
        throw error;
      }

      const turn = divideCalls(chat, assembly);
      if (turn.server.length === 0) {
        if (turn.client.length > 0)
          yield { kind: 'choice', index: 0, tool_calls: await handOver(chat, progress, turn, []) };
        else if (yield* settleForm(chat, progress, assembly)) continue;
        return ending(progress, finishReasons(assembly));
      }

      const stop = stopBefore(chat, progress, turn, now() - started);
      if (stop !== undefined) return endEarly(progress, stop);
      const left_ms = limits.chat.loop_ms_max - (now() - started);
      const results = yield* runTools(chat, progress, turn, { seen, signal, left_ms });
      if (turn.client.length > 0) {
        yield { kind: 'choice', index: 0, tool_calls: await handOver(chat, progress, turn, results) };
        return ending(progress, finishReasons(assembly));
      }
      progress.hidden.push(assistantMessage(turn.text, turn.all), ...results);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** One answer of the model, passed on as it comes; what must be seen whole first is held back. */
async function* ask(
  chat: Conversation,
  progress: Progress,
  assembly: Assembly,
  signal: AbortSignal,
): AsyncGenerator<AnswerPiece, void, void> {
  const messages = [...chat.request.messages, ...progress.hidden];
  // A call that was forced has been made: forcing it again would never end.
  const isForced = chat.request.tool_choice !== undefined && chat.request.tool_choice !== 'none';
  const request = {
    ...chat.request,
    messages,
    ...(isForced && progress.hidden.length > 0 ? { tool_choice: 'auto' as const } : {}),
  };
  const models = progress.steps === 1 ? chat.models : [chat.inUse.model];
  const { providers, inUse } = chat;
  const holdsText = holdsBack(chat);
  let isSeparated = !progress.hasText;
  try {
    for await (const chunk of askModel({ models, providers, inUse, request, signal })) {
      assembly.usage = chunk.usage ?? assembly.usage;
      for (const piece of chunk.choices) {
        const tool_calls = addPiece(assembly, piece, chat.newCallId);
        const text = holdsText ? undefined : piece.text;
        const passed = chat.has_server_tools ? undefined : tool_calls;
        if (text !== undefined && !isSeparated) {
          isSeparated = true;
          yield { kind: 'choice', index: piece.index, text: '\n\n' };
        }
        if (text === undefined && passed === undefined && piece.refusal === undefined && piece.logprobs === undefined)
          continue;
        progress.hasText ||= text !== undefined;
        yield {
          kind: 'choice',
          index: piece.index,
          ...(text === undefined ? {} : { text }),
          ...(piece.refusal === undefined ? {} : { refusal: piece.refusal }),
          ...(passed === undefined ? {} : { tool_calls: passed }),
          ...(piece.logprobs === undefined ? {} : { logprobs: piece.logprobs }),
        };
      }
    }
  } finally {
    progress.usage = addUsage(progress.usage, assembly.usage ?? estimateUsage(request, assembly));
  }
}

/** JSON of several steps would not be JSON, and a form that was only asked for may not be held. */
function holdsBack(chat: Conversation): boolean {
  return chat.form.kind !== 'text' && (chat.is_form_told || chat.has_server_tools);
}

interface DividedTurn {
  readonly text: string;
  readonly all: readonly ToolCall[];
  readonly server: readonly ToolCall[];
  readonly client: readonly ToolCall[];
}

/** With server tools offered, a name that is nobody's is theirs: the model is told that it does not exist. */
function divideCalls(chat: Conversation, assembly: Assembly): DividedTurn {
  const choice = choiceOf(assembly, 0);
  const made = chat.has_server_tools ? toolCallsOf(choice) : [];
  const all = chat.request.parallel_tool_calls === false ? made.slice(0, 1) : made;
  const isClients = (call: ToolCall): boolean => chat.client_tools.has(call.function.name);
  return {
    text: choice.text,
    all,
    server: all.filter((call) => !isClients(call)),
    client: all.filter(isClients),
  };
}

function stopBefore(
  { limits: { chat: most }, steps_max }: Conversation,
  progress: Progress,
  turn: DividedTurn,
  elapsed_ms: number,
): StopReason | undefined {
  if (progress.steps >= steps_max) return 'max_steps';
  if (progress.calls + Math.min(turn.server.length, most.calls_per_step_max) > most.calls_max) return 'max_calls';
  if (progress.usage.in + progress.usage.out > most.loop_tokens_max) return 'tokens';
  if (elapsed_ms >= most.loop_ms_max) return 'wall';
  return progress.tools_ms >= most.tools_ms_max ? 'tool_time' : undefined;
}

/** Runs the server's calls and answers the messages that tell the model how they ended. */
async function* runTools(
  { call, tools, limits, now, screening }: Conversation,
  progress: Progress,
  turn: DividedTurn,
  { seen, signal, left_ms }: { seen: Map<string, number>; signal: AbortSignal; left_ms: number },
): AsyncGenerator<AnswerPiece, readonly ChatMessage[], void> {
  for (const asked of turn.server) await screening.passWhole(asked.function.arguments);
  for (const asked of turn.server) yield { kind: 'comment', text: `signet-tool ${asked.function.name} called` };
  const before = now();
  const results = await runServerCalls({
    call: { ...call, signal },
    calls: turn.server,
    tools,
    seen,
    limits: limits.chat,
    time_left_ms: Math.min(limits.chat.tools_ms_max - progress.tools_ms, left_ms),
    now,
  });
  progress.tools_ms += now() - before;
  progress.calls += Math.min(turn.server.length, limits.chat.calls_per_step_max);
  for (const { call: asked, outcome } of results) {
    if (outcome.receipt !== undefined) progress.receipts.push(outcome.receipt);
    const { name, arguments: text } = asked.function;
    progress.server_calls.push({ name: tools.nameFromModel(name), args: argumentsOf(text), outcome });
    const told = outcome.kind === 'result' ? 'ok' : outcome.error.type;
    yield { kind: 'comment', text: `signet-tool ${asked.function.name} ${told}` };
  }
  const messages: ChatMessage[] = [];
  for (const { call: asked, outcome } of results) {
    messages.push({ role: 'tool', tool_call_id: asked.id, content: await quotable(resultText(outcome), screening) });
  }
  return messages;
}

/** What a tool found is a stranger's text: what must not be read is not, and the model is told so. */
async function quotable(text: string, screening: Screening): Promise<string> {
  const code = await screening.quote(text);
  if (code === undefined) return text;
  return JSON.stringify({ error: { type: 'policy_denied', message: `the result was withheld: ${code}` } });
}

/** The client's calls. If the client has not seen all that led to them, their ids name where the rest is kept. */
async function handOver(
  chat: Conversation,
  progress: Progress,
  turn: DividedTurn,
  results: readonly ChatMessage[],
): Promise<readonly ToolCallDelta[]> {
  const isWhole = progress.hidden.length === 0 && turn.server.length === 0;
  const continuation = isWhole ? undefined : chat.continuations.newId();
  const renamed = turn.all.map((call, number) =>
    continuation === undefined || !turn.client.includes(call) ? call : { ...call, id: callIdOf(continuation, number) },
  );
  if (continuation !== undefined) {
    const messages = [...progress.hidden, assistantMessage(turn.text, renamed), ...results];
    await chat.continuations.save(chat.call, continuation, messages);
  }
  return renamed
    .filter((_, number) => turn.client.includes(turn.all[number] as ToolCall))
    .map((call, index) => ({ index, id: call.id, ...call.function }));
}

/**
 * Judges the final text by the form that was asked for. True: the model is asked once more.
 * @throws {SignetError} `output_invalid`
 */
async function* settleForm(
  chat: Conversation,
  progress: Progress,
  assembly: Assembly,
): AsyncGenerator<AnswerPiece, boolean, void> {
  if (chat.form.kind === 'text') return false;
  const isHeld = holdsBack(chat);
  for (const [index, choice] of assembly.choices) {
    const text = isHeld ? withoutFence(choice.text) : choice.text;
    const isJudged = choice.refusal === '' && choice.calls.length === 0 && choice.finish_reason === 'stop';
    const fault = isJudged ? formFault(text, chat.form) : undefined;
    if (fault !== undefined) {
      if (!isHeld || progress.isCorrected) {
        throw new SignetError({
          code: 'output_invalid',
          detail: `the model's answer does not have the form asked for: ${fault}`,
        });
      }
      progress.isCorrected = true;
      const complaint = `This is not the form asked for: ${fault}. Answer again, with the JSON only.`;
      progress.hidden.push({ role: 'assistant', content: choice.text }, { role: 'user', content: complaint });
      return true;
    }
    if (isHeld && text !== '') yield { kind: 'choice', index, text };
  }
  return false;
}

function assistantMessage(text: string, tool_calls: readonly ToolCall[]): ChatMessage {
  return { role: 'assistant', content: text === '' ? null : text, tool_calls };
}

function finishReasons(assembly: Assembly): ReadonlyMap<number, FinishReason> {
  return new Map(
    [...assembly.choices].map(([index, { finish_reason = 'stop', calls }]) => [
      index,
      // Some servers say `stop` where they call tools; clients of OpenAI look at this field to find the calls.
      finish_reason === 'stop' && calls.length > 0 ? 'tool_calls' : finish_reason,
    ]),
  );
}

function endEarly(progress: Progress, stop: StopReason): Ending {
  return { ...ending(progress, new Map([[0, 'length']])), stop };
}

function ending(
  { usage, receipts, server_calls, steps, calls }: Progress,
  finish_reasons: ReadonlyMap<number, FinishReason>,
): Ending {
  return { finish_reasons, usage, receipts, server_calls, steps, calls };
}

/** Calls that were made since the user last spoke count, so that a client that sends the turn again starts no new count. */
function callsSince(messages: readonly ChatMessage[]): Map<string, number> {
  const seen = new Map<string, number>();
  for (const message of messages.slice(messages.findLastIndex(({ role }) => role === 'user') + 1)) {
    if (message.role !== 'assistant') continue;
    for (const call of message.tool_calls ?? []) seen.set(identityOf(call), (seen.get(identityOf(call)) ?? 0) + 1);
  }
  return seen;
}
