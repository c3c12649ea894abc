import type { Call } from '../call.ts';
import type { JsonObject } from '../json.ts';
import { describeRoute } from '../routing/describe-route.ts';
import { addPiece, newAssembly, toolCallsOf, type Assembly } from './assemble-turn.ts';
import type { ChatCompletion, ChatRequest } from './chat-types.ts';
import type { CompletedChat, RoutedChat } from './chat.ts';
import { completionId } from './completion-id.ts';
import { unscreened, type Ending } from './converse.ts';
import { screenWhole } from './screen-pieces.ts';
import { prepareChat, type ChatParts, type PreparedChat } from './prepare-chat.ts';

/** A chat whose answer comes whole: one decision, recorded when it has ended. */
export async function completeChat(parts: ChatParts, call: Call, request: ChatRequest): Promise<CompletedChat> {
  const prepared = await prepareChat(parts, call, { ...request, stream: false });
  const { conversation, judgement } = prepared;
  const created = Math.floor(parts.now() / 1000);
  const id = completionId(parts.newId);
  const { inUse } = conversation;

  const judged = await parts.judge.decide(call, judgement, async () => {
    const assembly = newAssembly();
    const pieces = unscreened({ ...conversation, signal: call.signal });
    let next = await pieces.next();
    for (; next.done !== true; next = await pieces.next()) {
      if (next.value.kind === 'choice') addPiece(assembly, next.value, conversation.newCallId);
    }
    const ending = next.value;
    await screenWhole(assembly, conversation.screening);
    const completion = completionOf({ id, created, model: inUse.model.id }, assembly, ending);
    return { value: { completion, ending }, outcome: outcomeOf(prepared, ending, completion) };
  });
  const { completion, ending } = judged.value;
  return {
    value: completion,
    receipt: judged.receipt,
    ...routed(prepared),
    ...(ending.stop === undefined ? {} : { stop: ending.stop }),
    ...(ending.server_calls.length === 0 ? {} : { server_calls: ending.server_calls }),
  };
}

/** The model that is in use by now, and what it was chosen from. */
export function routed({ conversation, chosen }: PreparedChat): RoutedChat {
  const { model } = conversation.inUse;
  return { route: model.id, tier: model.tier, candidates: chosen.route.candidates };
}

/** The whole answer, as OpenAI writes it. */
export function completionOf(
  head: { id: string; created: number; model: string },
  assembly: Assembly,
  { finish_reasons, usage }: Ending,
): ChatCompletion {
  const indexes = [...new Set([...finish_reasons.keys(), ...assembly.choices.keys()])].sort((a, b) => a - b);
  return {
    id: head.id,
    object: 'chat.completion',
    created: head.created,
    model: head.model,
    choices: indexes.map((index) => {
      const choice = assembly.choices.get(index);
      const tool_calls = choice === undefined ? [] : toolCallsOf(choice);
      const text = choice?.text ?? '';
      const refusal = choice?.refusal ?? '';
      return {
        index,
        message: {
          role: 'assistant',
          // Text is null only where something else stands for it, as OpenAI has it.
          content: text === '' && (tool_calls.length > 0 || refusal !== '') ? null : text,
          refusal: refusal === '' ? null : refusal,
          ...(tool_calls.length > 0 ? { tool_calls } : {}),
        },
        logprobs: choice?.logprobs ?? null,
        finish_reason: finish_reasons.get(index) ?? 'stop',
      };
    }),
    usage: wireUsage(usage),
  };
}

export function wireUsage(usage: Ending['usage']): ChatCompletion['usage'] {
  return { prompt_tokens: usage.in, completion_tokens: usage.out, total_tokens: usage.in + usage.out };
}

/** How the chat ended, for its receipt. */
export function outcomeOf({ conversation, chosen, facts }: PreparedChat, ending: Ending, response: ChatCompletion) {
  const { usage, finish_reasons, receipts, steps, calls, stop } = ending;
  const detail: JsonObject = {
    steps,
    calls,
    tools: conversation.request.tools.length,
    ...(stop === undefined ? {} : { stop }),
  };
  return {
    usage: { ...usage },
    route: describeRoute(chosen.route, facts, conversation.inUse.model.id),
    finish: finish_reasons.get(0) ?? 'stop',
    parents: receipts,
    response: response as unknown as JsonObject,
    detail,
  };
}
