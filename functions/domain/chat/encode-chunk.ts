import type { ToolCallDelta } from '../ports/provider.ts';
import type { ChatCompletion, FinishReason } from './chat-types.ts';
import type { AnswerPiece } from './converse.ts';

/** Writes the chunks of one stream: the same head in each, the role in the first delta of each choice. */
export interface ChunkEncoder {
  piece(model: string, piece: Extract<AnswerPiece, { kind: 'choice' }>): object;
  finish(model: string, index: number, finish_reason: FinishReason): object;
  usage(model: string, usage: ChatCompletion['usage']): object;
}

export function chunkEncoder(head: { id: string; created: number; includes_usage: boolean }): ChunkEncoder {
  const started = new Set<number>();
  const chunk = (model: string, choices: readonly object[], usage: ChatCompletion['usage'] | null) => ({
    id: head.id,
    object: 'chat.completion.chunk',
    created: head.created,
    model,
    choices,
    ...(head.includes_usage ? { usage } : {}),
  });
  const role = (index: number, hasContent: boolean): object => {
    if (started.has(index)) return {};
    started.add(index);
    return { role: 'assistant', ...(hasContent ? {} : { content: null }) };
  };

  return {
    piece: (model, { index, text, refusal, tool_calls, logprobs }) => {
      const delta = {
        ...role(index, text !== undefined),
        ...(text === undefined ? {} : { content: text }),
        ...(refusal === undefined ? {} : { refusal }),
        ...(tool_calls === undefined ? {} : { tool_calls: tool_calls.map(wireCall) }),
      };
      return chunk(model, [{ index, delta, logprobs: logprobs ?? null, finish_reason: null }], null);
    },

    finish(model, index, finish_reason) {
      // An answer without any text still begins with its role.
      const delta = started.has(index) ? {} : { ...role(index, true), content: '' };
      return chunk(model, [{ index, delta, logprobs: null, finish_reason }], null);
    },

    usage: (model, usage) => chunk(model, [], usage),
  };
}

function wireCall({ index, id, name, arguments: text }: ToolCallDelta): object {
  return {
    index,
    ...(id === undefined ? {} : { id, type: 'function' }),
    function: { ...(name === undefined ? {} : { name }), ...(text === undefined ? {} : { arguments: text }) },
  };
}
