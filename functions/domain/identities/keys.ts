import type { Key } from '../ports/table.ts';

/** The tenant's identities, in the order in which they were made: their key names sort after the time. */
export function identityKey(tenant: string, name: string): Key {
  return { pk: identityPartition(tenant), sk: name };
}

export function identityPartition(tenant: string): string {
  return `t#${tenant}#identities`;
}

/** Holds a label for one identity. A label is any text, so its bytes stand there in hex. */
export function labelKey(tenant: string, label: string): Key {
  return { pk: `t#${tenant}#identity-labels`, sk: Buffer.from(label).toString('hex') };
}
