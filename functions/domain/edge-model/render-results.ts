import type { ChatMessage } from '../chat/chat-types.ts';
import { messageText } from '../chat/message-text.ts';
import type { Json } from '../json.ts';

/** Rule 2: one line for each result since the user's last message, `soma = 42`, in the order of the results. */
export function renderResults(since: readonly ChatMessage[]): readonly string[] {
  const names = new Map<string, string>();
  const lines: string[] = [];
  for (const message of since) {
    if (message.role === 'assistant') {
      for (const call of message.tool_calls ?? []) names.set(call.id, call.function.name);
    } else if (message.role === 'tool') {
      lines.push(`${names.get(message.tool_call_id) ?? message.tool_call_id} = ${inOneLine(messageText(message))}`);
    }
  }
  return lines;
}

/** A result that is JSON text shows as its text, other JSON without spaces, anything else as it is; never a line break. */
function inOneLine(content: string): string {
  let value: Json;
  try {
    value = JSON.parse(content) as Json;
  } catch {
    value = content;
  }
  const text = typeof value === 'string' ? value : compact(value, content);
  return text.replace(/\s+/g, ' ').trim();
}

function compact(value: Json, content: string): string {
  try {
    return JSON.stringify(value);
  } catch {
    return content; // nested deeper than the stack: as it came
  }
}
