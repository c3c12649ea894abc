import type { NewId } from '../call.ts';

/** `chatcmpl-` and a UUID without dashes: the form that OpenAI's clients know. */
export function completionId(newId: NewId): string {
  return `chatcmpl-${newId().replaceAll('-', '')}`;
}
