import type { Call, Now, RandomBytes } from '../call.ts';
import { SignetError } from '../errors.ts';
import { splitTransactions } from '../ports/split-transactions.ts';
import type { Table } from '../ports/table.ts';
import type { ChatMessage } from './chat-types.ts';
import { continuationKey, continuationPartition } from './keys.ts';

/**
 * In a mixed turn the model calls server tools and the client's at once, and the client sees only its own. Its next
 * request repeats what it saw; this puts back what it did not see, found by the ids `call_sg_<continuation>_<n>`.
 */
export interface Continuations {
  newId(): string;
  /** Keeps `messages`, the whole stretch from the first hidden message on, for an hour. */
  save(call: Call, id: string, messages: readonly ChatMessage[]): Promise<void>;
  /**
   * @throws {SignetError} 409 `continuation_expired` if the turn that waits for results is no longer known;
   * older turns stand as the client sent them then
   */
  restore(call: Call, messages: readonly ChatMessage[]): Promise<readonly ChatMessage[]>;
}

/** At most 35 characters; OpenAI takes 40. */
export function callIdOf(continuation: string, number: number): string {
  return `${prefix}${continuation}_${number}`;
}

export function continuations({
  table,
  now,
  random,
  kept_s,
}: {
  table: Table;
  now: Now;
  random: RandomBytes;
  kept_s: number;
}): Continuations {
  async function load(call: Call, id: string): Promise<readonly ChatMessage[] | undefined> {
    const page = await table.query({ pk: continuationPartition(call.principal.tenant, id), limit: 1000 }, now());
    const items = page.rows.map((row) => row.item);
    const first = items[0];
    if (first === undefined || first['parts'] !== items.length || first['principal'] !== nameOf(call)) return undefined;
    return JSON.parse(items.map((item) => item['text'] as string).join('')) as readonly ChatMessage[];
  }

  return {
    newId: () => Buffer.from(random(12)).toString('hex'),

    async save(call, id, messages) {
      const text = JSON.stringify(messages);
      const expires_at = Math.ceil(now() / 1000) + kept_s;
      const parts = Math.ceil(text.length / part_chars);
      const operations = Array.from({ length: parts }, (_, part) => ({
        kind: 'put' as const,
        key: continuationKey(call.principal.tenant, id, part),
        item: {
          text: text.slice(part * part_chars, (part + 1) * part_chars),
          ...(part === 0 ? { parts, principal: nameOf(call) } : {}),
          expires_at,
        },
      }));
      const transactions = splitTransactions(operations, ({ item }) => Buffer.byteLength(JSON.stringify(item)));
      for (const transaction of transactions) await table.transact(transaction, now());
    },

    async restore(call, messages) {
      const restored: ChatMessage[] = [];
      for (const [index, message] of messages.entries()) {
        const id = continuationOf(message);
        const hidden = id === undefined ? [message] : await load(call, id);
        if (hidden === undefined && isWaiting(messages, index)) {
          throw new SignetError({
            code: 'continuation_expired',
            detail: `the tool calls of \`messages[${index}]\` are no longer known: they are kept for ${kept_s} s`,
            param: `messages[${index}].tool_calls`,
          });
        }
        restored.push(...(hidden ?? [message]));
      }
      return restored;
    },
  };
}

const prefix = 'call_sg_';
/** JSON escapes a character into six at most, so a part stays under the 400 KB of an item. */
const part_chars = 60_000;

function continuationOf(message: ChatMessage): string | undefined {
  if (message.role !== 'assistant') return undefined;
  const id = message.tool_calls?.[0]?.id;
  return id === undefined ? undefined : /^call_sg_([0-9a-f]{24})_\d{1,2}$/.exec(id)?.[1];
}

function isWaiting(messages: readonly ChatMessage[], index: number): boolean {
  return messages.slice(index + 1).every((message) => message.role === 'tool');
}

function nameOf({ principal }: Call): string {
  return `${principal.kind}:${principal.id}`;
}
