import type { Key } from '../ports/table.ts';

/** What a mixed turn leaves until the client's results come: the hidden messages, in parts that fit an item. */
export function continuationPartition(tenant: string, id: string): string {
  return `t#${tenant}#chat-continuation#${id}`;
}

export function continuationKey(tenant: string, id: string, part: number): Key {
  return { pk: continuationPartition(tenant, id), sk: `part#${String(part).padStart(4, '0')}` };
}
