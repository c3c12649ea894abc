import type { IncomingText } from '../gates/screening.ts';
import type { ChatMessage } from './chat-types.ts';
import { messageText } from './message-text.ts';

/**
 * What the gates read of a conversation. Secrets are looked for in all of it, arguments of earlier calls included, since
 * all of it goes to the model's provider. Instructions behind the reader's back are looked for in what people, pages and
 * tools say: an earlier answer that quotes one was judged when it was given. Prose is what the user said last; images are
 * shown and not read.
 */
export function incomingText(messages: readonly ChatMessage[], bytes_max: number): IncomingText {
  const texts: string[] = [];
  const instructions: string[] = [];
  let prose: string | undefined;
  for (const message of messages) {
    const text = messageText(message);
    if (message.role === 'user') prose = text;
    if (text !== '') {
      texts.push(text);
      if (message.role !== 'assistant') instructions.push(text);
    }
    if (message.role === 'assistant') {
      for (const call of message.tool_calls ?? []) texts.push(call.function.arguments);
    }
  }
  return { texts, instructions, bytes_max: bytes_max * 2, ...(prose === undefined ? {} : { prose }) };
}
