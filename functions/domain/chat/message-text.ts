import type { ChatMessage, ContentPart } from './chat-types.ts';

/** The text of a message's content, parts joined by line feeds; images and refusals have none. */
export function messageText(message: ChatMessage): string {
  const content = message.content;
  if (content === undefined || content === null) return '';
  return typeof content === 'string' ? content : partsText(content);
}

function partsText(parts: readonly ContentPart[]): string {
  return parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
}
