import type { ProviderRequest } from '../ports/provider.ts';
import type { Assembly } from './assemble-turn.ts';
import type { Usage } from './chat-types.ts';
import { messageText } from './message-text.ts';

/** Usage where the provider gave none: a token for each four bytes of the prompt and of what was delivered. */
export function estimateUsage(
  { messages, tools }: Pick<ProviderRequest, 'messages' | 'tools'>,
  assembly: Assembly,
): Usage {
  let prompt = tools.length === 0 ? 0 : Buffer.byteLength(JSON.stringify(tools));
  for (const message of messages) {
    prompt += Buffer.byteLength(messageText(message));
    if (message.role === 'assistant' && message.tool_calls !== undefined) {
      prompt += Buffer.byteLength(JSON.stringify(message.tool_calls));
    }
  }
  let delivered = 0;
  for (const choice of assembly.choices.values()) {
    delivered += Buffer.byteLength(choice.text) + Buffer.byteLength(choice.refusal);
    for (const call of choice.calls) delivered += Buffer.byteLength(call.name) + Buffer.byteLength(call.arguments);
  }
  return { in: Math.ceil(prompt / 4), out: Math.ceil(delivered / 4), estimated: true };
}
