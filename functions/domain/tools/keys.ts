import type { Key } from '../ports/table.ts';

/** All tools of a tenant stand in one partition: listing and offering them is one query. */
export function toolPartition(tenant: string): string {
  return `t#${tenant}#tools`;
}

export function toolKey(tenant: string, name: string): Key {
  return { pk: toolPartition(tenant), sk: name };
}
