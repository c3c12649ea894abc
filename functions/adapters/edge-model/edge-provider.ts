import { answerByRules, edge_model_id } from '../../domain/edge-model/edge-model.ts';
import { SignetError } from '../../domain/errors.ts';
import type { ChatProvider, ModelInfo, ProviderChunk, ProviderRequest } from '../../domain/ports/provider.ts';

/**
 * The built-in model behind the port that every model stands behind: no key, no network, price 0. A stream comes word
 * by word, always cut at the same places; `n` choices are equal, since rules have no chance in them.
 */
export function edgeProvider(): ChatProvider {
  return {
    name: 'edge',
    tier: 'edge',
    models: async () => [model],
    probe: async () => [edge_model_id],
    async *chat(request, signal) {
      signal.throwIfAborted();
      if (request.model !== edge_model_id) {
        throw new SignetError({ code: 'model_not_found', detail: `no model \`${request.model}\` in \`edge\`` });
      }
      const answer = answerByRules(request);
      if (answer.kind === 'impossible') {
        throw new SignetError({
          code: 'unsupported_parameter',
          detail: `${edge_model_id} cannot fill this form: ${answer.detail}`,
          param: 'response_format',
        });
      }
      const indexes = Array.from({ length: request.n ?? 1 }, (_, index) => index);
      const pieces = request.stream ? wordsOf(answer.text) : [answer.text];
      for (const text of pieces) {
        signal.throwIfAborted();
        for (const index of indexes) if (text !== '') yield { choices: [{ index, text }] };
      }
      const tool_calls = answer.calls.map((call, index) => ({ index, id: callId(request, index), ...call }));
      const { finish_reason } = answer;
      for (const index of indexes) {
        yield { choices: [{ index, ...(tool_calls.length > 0 ? { tool_calls } : {}), finish_reason }] };
      }
      yield {
        choices: [],
        usage: { in: answer.usage.in, out: answer.usage.out * indexes.length },
      } satisfies ProviderChunk;
    },
  };
}

const model: ModelInfo = {
  id: `edge/${edge_model_id}`,
  provider: 'edge',
  tier: 'edge',
  capabilities: ['chat', 'tools', 'json_schema', 'stream'],
  rules: true,
  owned_by: 'signet',
};

/** A word keeps the white space behind it, so that the joined pieces are the text. */
function wordsOf(text: string): readonly string[] {
  return text.match(/\S+\s*|\s+/gu) ?? [];
}

/** Counts on from the calls that the conversation has: unique in it, and the same for the same request. */
function callId(request: ProviderRequest, index: number): string {
  const before = request.messages.reduce(
    (sum, message) => sum + (message.role === 'assistant' ? (message.tool_calls?.length ?? 0) : 0),
    0,
  );
  return `call_edge_${before + index + 1}`;
}
